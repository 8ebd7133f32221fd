"""Run a redirector: `python -m redirector`."""

import os

from redirector.app import create_app
from redirector.protocol import RedirectProtocol
from redirector.settings import Settings
from shared.service import run_service

if __name__ == "__main__":
    run_service("redirector", Settings, create_app, os.environ, RedirectProtocol)
