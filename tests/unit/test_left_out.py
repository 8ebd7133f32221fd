"""Keeping out of a process what libraries load just because it is there."""

import subprocess
import sys

LOADED = """
import sys
import redirector.__main__
names = {name.partition(".")[0] for name, module in sys.modules.items() if module}
print(*sorted(names & {"redis", "structlog", "rich", "pygments", "opentelemetry"}))
"""


def test_a_redirector_loads_nothing_that_its_image_has_not() -> None:
    """Where rich and OpenTelemetry are installed, redis-py and structlog go without them."""
    command = [sys.executable, "-P", "-c", LOADED]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["redis", "structlog"]
