"""Start a click-ingest worker: `python -m click_ingest`."""

import os

from click_ingest.settings import Settings
from click_ingest.worker import create_app
from shared.service import run_service
from shared.turns import LONG_S, ask_for_turns

if __name__ == "__main__":
    ask_for_turns(LONG_S)
    run_service("click-ingest", Settings, create_app, os.environ)
