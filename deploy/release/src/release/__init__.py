"""Deploys and rolls back with Docker Compose, on one host."""

import sys

# The part that runs without .venv, so with whatever Python a host has.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("deploying needs Python 3.11 or newer: make deploy PYTHON=/path/to/python3")
