"""nginx's limits: for each visitor by real address, not for exempt networks, with a way back."""

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from email.message import Message
from http.client import HTTPConnection

import pytest

from local_stack.ports import LOOPBACK
from local_stack.stack import Stack
from tests.support.stack import started_stack

BURST = 5


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield nginx with nobody behind it, small limits, and this machine as a trusted proxy.

    Redis is there to listen: without anybody another stack could choose the same ports.
    """
    environment = {
        "TRUSTED_PROXIES": LOOPBACK,
        "LIMIT_PUBLIC_PER_S": "1",
        "LIMIT_PUBLIC_BURST": str(BURST),
        "LIMIT_API_PER_S": "1",
        "LIMIT_API_BURST": str(BURST),
        "LIMIT_SLOW_CLIENT_S": "1",
    }
    programs, home = ("redis", "nginx"), tmp_path_factory.mktemp("stack")
    with started_stack(home, programs, environment) as stack:
        yield stack


def test_too_many_requests_get_a_page(stack: Stack) -> None:
    """429 with Retry-After for what comes above the burst; another visitor is not touched."""
    answers = [_get(stack.public_port, "/abc", "203.0.113.1") for _ in range(BURST + 5)]
    statuses = [status for status, _, _ in answers]
    status, headers, body = answers[-1]
    assert statuses[: BURST + 1] == [503] * (BURST + 1)  # nobody is behind this nginx
    assert (status, headers["Retry-After"]) == (429, "1")
    assert headers["Content-Type"].startswith("text/html")
    assert b"<title>Too many requests</title>" in body
    assert _get(stack.public_port, "/abc", "203.0.113.2")[0] == 503


def test_too_many_calls_are_a_problem(stack: Stack) -> None:
    """The API's callers get the same as problem+json, with the limit in its words."""
    answers = [_get(stack.api_port, "/rest/v3/health", "203.0.113.1") for _ in range(BURST + 5)]
    status, headers, body = answers[-1]
    problem = json.loads(body)
    assert status == problem["status"] == 429
    assert (headers["Content-Type"], headers["Retry-After"]) == ("application/problem+json", "1")
    assert problem["type"].endswith("/too-many-requests")
    assert "More than 1 requests a second" in problem["detail"]


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "::1", "fd00::7"])
def test_exempt_networks_have_no_limit(stack: Stack, address: str) -> None:
    """Loopback and private networks send as many as they like."""
    statuses = {_get(stack.public_port, "/abc", address)[0] for _ in range(3 * BURST)}
    assert statuses == {503}


def test_a_customer_of_ipv6_is_one_visitor(stack: Stack) -> None:
    """Every address of a /64 counts for the same visitor."""
    statuses = [
        _get(stack.public_port, "/abc", f"2001:db8:0:5:{last}::1")[0]
        for last in range(1, BURST + 6)
    ]
    assert 429 in statuses
    assert _get(stack.public_port, "/abc", "2001:db8:0:6::1")[0] == 503


def test_who_sends_nothing_is_cut_off(stack: Stack) -> None:
    """A half-sent head does not hold a connection for longer than LIMIT_SLOW_CLIENT_S."""
    with socket.create_connection((LOOPBACK, stack.public_port), timeout=30) as slow:
        slow.sendall(b"GET /abc HTTP/1.1\r\nHost: x\r\n")
        with suppress(ConnectionResetError):
            assert slow.recv(1024) == b""


@pytest.mark.parametrize("port", ["public_port", "api_port"])
def test_answers_of_nginx_have_security_headers(stack: Stack, port: str) -> None:
    """No sniffing, no framing, no referer; also on errors."""
    _, headers, _ = _get(getattr(stack, port), "/metrics", LOOPBACK)
    assert headers.get_all("X-Content-Type-Options") == ["nosniff"]
    assert headers.get_all("Referrer-Policy") == ["no-referrer"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def _get(port: int, path: str, address: str) -> tuple[int, Message, bytes]:
    connection = HTTPConnection(LOOPBACK, port, timeout=10)
    try:
        connection.request("GET", path, headers={"X-Forwarded-For": address})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()
