"""Start a click-ingest worker: `python -m click_ingest`."""

import os

from click_ingest.settings import Settings
from click_ingest.worker import create_app
from shared.service import run_service

if __name__ == "__main__":
    run_service("click-ingest", Settings, create_app, os.environ)
