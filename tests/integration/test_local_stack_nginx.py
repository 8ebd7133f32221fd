"""nginx of the local stack: what it tells the redirectors, what it hides, how it fails."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from email.message import Message
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from local_stack.ports import LOOPBACK
from local_stack.stack import Stack
from tests.support.stack import started_stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield nginx with nobody behind it: that is the tests' own.

    Redis is there to listen: without anybody another stack could choose the same ports.
    """
    with started_stack(tmp_path_factory.mktemp("stack"), ("redis", "nginx")) as stack:
        yield stack


class Replica(BaseHTTPRequestHandler):
    """A stand-in for a redirector that remembers what it was asked, and may hang up.

    It speaks HTTP/1.0, so that nginx keeps no connection to it beyond the test.
    """

    seen: list[tuple[str, Message]]
    hangs_up: bool

    def do_GET(self) -> None:
        """Redirect, or close the connection without an answer."""
        self.seen.append((self.path, self.headers))
        if self.hangs_up:
            return
        self.send_response(302)
        self.send_header("Location", "https://example.org/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture
def replicas(stack: Stack) -> Iterator[list[type[Replica]]]:
    """Stand in for both redirectors; what they saw and whether they hang up is on the classes."""
    kinds = [type("Kind", (Replica,), {"seen": [], "hangs_up": False}) for _ in range(2)]
    servers = [
        ThreadingHTTPServer((LOOPBACK, stack.port(f"redirector-{place}")), kind)
        for place, kind in enumerate(kinds, start=1)
    ]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield kinds
    for server in servers:
        server.shutdown()
        server.server_close()


def test_nginx_says_who_asked_and_when(stack: Stack, replicas: list[type[Replica]]) -> None:
    """Its own values replace what a visitor sends; the path arrives byte for byte."""
    spoofed = {"X-Request-Id": "mine", "X-Request-Start": "0", "X-Real-IP": "6.6.6.6"}
    status, headers, _ = _get(
        stack, "/a%2Fb//c?x=%20y", headers={"Host": "Go.Example:99", **spoofed}
    )
    [(path, seen)] = [request for kind in replicas for request in kind.seen]
    assert status == 302
    assert path == "/a%2Fb//c?x=%20y"
    assert seen["Host"] == "Go.Example:99"
    assert seen["X-Real-IP"] == LOOPBACK
    assert abs(float(seen["X-Request-Start"]) - time.time()) < 5
    assert len(seen["X-Request-Id"]) == 32
    assert headers["X-Request-Id"] == seen["X-Request-Id"]


def test_retry_carries_the_same_id_and_time(stack: Stack, replicas: list[type[Replica]]) -> None:
    """So a click that both replicas recorded is stored once; the visitor notices nothing."""
    replicas[0].hangs_up = True
    for _ in range(4):
        assert _get(stack, "/abc")[0] == 302
    first = {seen["X-Request-Id"]: seen["X-Request-Start"] for _, seen in replicas[0].seen}
    second = {seen["X-Request-Id"]: seen["X-Request-Start"] for _, seen in replicas[1].seen}
    assert first
    assert first.items() <= second.items()


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz", "//metrics", "/x/../metrics"])
def test_operators_paths_are_hidden(
    stack: Stack, replicas: list[type[Replica]], path: str
) -> None:
    """A visitor gets the page of an unknown address, and no replica is asked."""
    status, headers, body = _get(stack, path)
    assert status == 404
    assert headers["Content-Type"].startswith("text/html")
    assert b"<title>Not found</title>" in body
    assert not any(kind.seen for kind in replicas)


def test_visitors_can_only_read(stack: Stack) -> None:
    """Every other method is refused, with those that there are."""
    status, headers, body = _get(stack, "/abc", method="POST")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert b"<title>Method not allowed</title>" in body


def test_unreachable_replicas_are_unavailable(stack: Stack) -> None:
    """503 with Retry-After, which crawlers and CDNs take for what it is."""
    status, headers, body = _get(stack, "/abc")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert headers["Cache-Control"] == "no-store"
    assert b"Please try again" in body


@pytest.mark.parametrize(
    ("path", "length", "status"),
    [
        pytest.param("/rest/v3/short-urls", 0, 503, id="unreachable"),
        pytest.param("/metrics", 0, 404, id="hidden"),
        pytest.param("/readyz", 0, 404, id="hidden-too"),
        pytest.param("/rest/v3/short-urls", 3 * 1024 * 1024, 413, id="too-large"),
        pytest.param(f"/rest/{'x' * 9000}", 0, 414, id="too-long"),
    ],
)
def test_api_errors_are_problems(stack: Stack, path: str, length: int, status: int) -> None:
    """What nginx itself answers an API caller has the form of the API's own errors."""
    answer, headers, body = _get(stack, path, port=stack.api_port, content_length=length)
    problem = json.loads(body)
    assert answer == problem["status"] == status
    assert headers["Content-Type"] == "application/problem+json"
    assert problem.keys() == {"type", "title", "detail", "status"}
    assert len(headers["X-Request-Id"]) == 32


def test_api_errors_are_readable_by_web_pages(stack: Stack) -> None:
    """A page of another origin is told why, and the caller's own id comes back."""
    sent = {"Origin": "https://console.test", "X-Request-Id": "mine-1"}
    status, headers, _ = _get(stack, "/rest/v3/tags", port=stack.api_port, headers=sent)
    assert (status, headers["Access-Control-Allow-Origin"]) == (503, "*")
    assert headers["X-Request-Id"] == "mine-1"
    sent = {"X-Request-Id": "not\tone"}
    _, headers, _ = _get(stack, "/rest/v3/tags", port=stack.api_port, headers=sent)
    assert len(headers["X-Request-Id"]) == 32
    assert "Access-Control-Allow-Origin" not in headers


def test_headers_too_large(stack: Stack) -> None:
    """A page says so, whatever nginx calls it inside."""
    status, _, body = _get(stack, "/abc", headers={"Cookie": "x" * 9000})
    assert status == 431
    assert b"<title>Request headers too large</title>" in body


def test_access_log_has_no_query_and_no_address(stack: Stack) -> None:
    """One JSON object a request, with the id that the visitor was given."""
    _, headers, _ = _get(
        stack, "/abc?secret=1", headers={"Referer": "https://example.org/?secret=2"}
    )
    log = stack.home.log("nginx-access")
    deadline = time.monotonic() + 5
    while headers["X-Request-Id"] not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    [line] = [line for line in log.read_text().splitlines() if headers["X-Request-Id"] in line]
    entry = json.loads(line)
    assert (entry["path"], entry["status"], entry["network"]) == ("/abc", 503, "127.0.0.0")
    assert "secret" not in line


def _get(
    stack: Stack,
    path: str,
    *,
    method: str = "GET",
    port: int | None = None,
    content_length: int = 0,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Message, bytes]:
    connection = HTTPConnection(LOOPBACK, port or stack.public_port, timeout=10)
    try:
        sent = headers or {}
        connection.putrequest(method, path, skip_host="Host" in sent)
        if content_length:
            connection.putheader("Content-Length", str(content_length))
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()
