"""Prints which of this process's own checks fail, one a line. Runs in a release's container."""

import http.client
import json
import sys


def failing() -> list[str]:
    """Return them."""
    connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=5)
    try:
        connection.request("GET", "/readyz")
        checks = json.loads(connection.getresponse().read())["checks"]
    finally:
        connection.close()
    return [name for name, check in checks.items() if check["status"] != "ok"]


if __name__ == "__main__":
    try:
        print("\n".join(failing()))
    except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
        sys.exit(f"/readyz: {error!r}")
