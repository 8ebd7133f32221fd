"""Asks through nginx from inside the network: `served`, `smoke`. Runs in a release's container.

Only the standard library, and nothing of the release's own: it is sent to whatever is there.
HEAD is answered like GET and records no click.
"""

import http.client
import json
import os
import re
import secrets
import ssl
import sys
import time
import urllib.request

PUBLIC = ("nginx", 8080)
PUBLIC_TLS = ("nginx", 8443)
API = ("nginx", 8081)
OWN_METRICS = "http://127.0.0.1:8000/metrics"
TIMEOUT_S = 5.0
SERVED = re.compile(r'^qck_redirects_total\{outcome="[a-z_]+"\} ([0-9.e+]+)$', re.MULTILINE)


class ProbeError(Exception):
    """A door does not answer as it should."""


def head(path: str, host: str) -> tuple[int, str]:
    """Ask the public door; return status and Location. Where it only leads to TLS, ask there."""
    status, location = _head(http.client.HTTPConnection(*PUBLIC, timeout=TIMEOUT_S), path, host)
    if status == 308 and location.startswith("https://") and location.endswith(path):
        # Its certificate is for visitors, who know it by another name.
        context = ssl._create_unverified_context()  # noqa: S323
        tls = http.client.HTTPSConnection(*PUBLIC_TLS, timeout=TIMEOUT_S, context=context)
        status, location = _head(tls, path, host)
    return status, location


def _head(connection: http.client.HTTPConnection, path: str, host: str) -> tuple[int, str]:
    try:
        connection.request("HEAD", path, headers={"Host": host, "User-Agent": "qck-release"})
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Location", "")
    finally:
        connection.close()


def api(method: str, path: str, key: str, body: object = None) -> tuple[int, dict[str, object]]:
    """Ask the internal door."""
    connection = http.client.HTTPConnection(*API, timeout=TIMEOUT_S)
    try:
        sent = None if body is None else json.dumps(body)
        connection.request(method, f"/rest/v3{path}", sent, {"X-Api-Key": key})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else {}
    finally:
        connection.close()


def served_so_far() -> float:
    """Return how many requests for a short code this replica has answered."""
    with urllib.request.urlopen(OWN_METRICS, timeout=TIMEOUT_S) as answer:
        return sum(float(count) for count in SERVED.findall(answer.read().decode()))


def served(within_s: float) -> None:
    """Wait until this replica has answered somebody who came through nginx."""
    deadline = time.monotonic() + within_s
    while served_so_far() == 0:
        if time.monotonic() > deadline:
            raise ProbeError(f"nginx has sent it nobody within {within_s:.0f} s")
        head(f"/qck-release-{secrets.token_hex(4)}", "localhost")
        time.sleep(0.05)


def smoke() -> None:
    """Make a link through the internal door, follow it through the public one, delete it."""
    domain = os.environ["DEFAULT_DOMAIN"]
    with open(os.environ["INITIAL_API_KEY_FILE"], encoding="utf-8") as file:
        key = file.read().strip()
    status, problem = api("GET", "/health", key)
    if status != 200:
        raise ProbeError(f"the API's health is {status}: {problem}")
    target = "https://example.org/qck-release"
    slug = f"qck-release-{secrets.token_hex(8)}"
    status, link = api("POST", "/short-urls", key, {"longUrl": target, "customSlug": slug})
    if status in (401, 403):
        print("the first API key is not valid any more: no link was made, only health asked")
        status, location = head(f"/{slug}", domain)
        # A domain may lead those on who would find nothing.
        if status != 404 and not 300 <= status < 400:
            raise ProbeError(f"the public door answers {status} {location!r}")
        return
    if status not in (200, 201):
        raise ProbeError(f"the API answers {status} to a new link: {link}")
    try:
        for _ in range(4):  # both replicas, and a connection that was kept
            status, location = head(f"/{slug}", domain)
            if not 300 <= status < 400 or location != target:
                raise ProbeError(f"the public door answers {status} {location!r}")
    finally:
        status, problem = api("DELETE", f"/short-urls/{slug}", key)
    if status != 204:
        raise ProbeError(f"the API answers {status} to a deletion: {problem}")


if __name__ == "__main__":
    try:
        served(float(sys.argv[2])) if sys.argv[1] == "served" else smoke()
    except (ProbeError, OSError, ValueError, http.client.HTTPException) as error:
        sys.exit(str(error) or repr(error))
