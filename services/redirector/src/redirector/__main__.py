"""Run a redirector: `python -m redirector`."""

import os

from shared.left_out import leave_out

# structlog and redis-py would load them: 7 MB in each process that nothing here uses.
leave_out("rich", "opentelemetry")

from redirector.app import create_app  # noqa: E402
from redirector.protocol import RedirectProtocol  # noqa: E402
from redirector.settings import Settings  # noqa: E402
from shared.service import run_service  # noqa: E402

if __name__ == "__main__":
    run_service("redirector", Settings, create_app, os.environ, RedirectProtocol)
