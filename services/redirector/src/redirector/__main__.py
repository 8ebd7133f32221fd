"""Run a redirector: `python -m redirector`."""

import os

from redirector.app import create_app
from redirector.protocol import RedirectProtocol
from redirector.settings import Settings
from shared.service import run_service
from shared.turns import SHORT_S, ask_for_turns

if __name__ == "__main__":
    ask_for_turns(SHORT_S)
    run_service("redirector", Settings, create_app, os.environ, RedirectProtocol)
