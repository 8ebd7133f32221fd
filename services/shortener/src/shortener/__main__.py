"""Run the shortener: `python -m shortener`."""

import os

from shared.service import run_service
from shortener.app import create_app
from shortener.problem_protocol import ProblemProtocol
from shortener.settings import Settings

if __name__ == "__main__":
    run_service("shortener", Settings, create_app, os.environ, ProblemProtocol)
