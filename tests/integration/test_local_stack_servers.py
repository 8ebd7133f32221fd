"""The servers of a stack: private, restarted when they die, and configured as promised."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from email.message import Message
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import aio_pika
import pytest

from local_stack.binaries import SEARCH_PATH, find
from local_stack.environment import fresh_secrets
from local_stack.ports import LOOPBACK
from local_stack.processes import tree
from local_stack.stack import Stack
from tests.support.stack import a_stack, started_stack

SERVERS = ("epmd", "rabbitmq", "postgres", "redis", "nginx")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield the servers alone, in a home that has been used with other passwords before."""
    home = tmp_path_factory.mktemp("stack")
    with a_stack(home, ["rabbitmq"]):
        pass
    with started_stack(home, SERVERS, fresh_secrets()) as stack:
        yield stack


def test_everything_listens_on_loopback_only(stack: Stack) -> None:
    """Nobody else on the network reaches a server, RabbitMQ's distribution included."""
    inodes = {
        os.readlink(descriptor)
        for name in SERVERS
        for pid in tree(stack.pid(name))
        for descriptor in Path(f"/proc/{pid}/fd").iterdir()
        if descriptor.is_symlink()
    }
    addresses = []
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == "0A" and f"socket:[{rest[5]}]" in inodes:
                addresses.append(local.partition(":")[0])
    assert len(addresses) >= 7
    assert set(addresses) <= {"0100007F", "00000000000000000000000001000000"}


def test_passwords_are_not_in_the_process_table(stack: Stack) -> None:
    """Everybody on the machine can read command lines."""
    lines = [
        Path(f"/proc/{pid}/cmdline").read_text()
        for name in SERVERS
        for pid in tree(stack.pid(name))
    ]
    secrets = [
        value for value in stack.service_environment("shortener").values() if len(value) > 40
    ]
    assert secrets
    assert not any(secret in line for secret in secrets for line in lines)


def test_policies_hold(stack: Stack) -> None:
    """Limits and dead-lettering are there without any code of ours having run."""
    policies = {policy["name"]: policy for policy in _rabbitmqctl(stack, "list_policies")}
    assert policies["clicks-ingest"]["pattern"] == r"^clicks\.ingest$"
    assert json.loads(policies["clicks-ingest"]["definition"]) == {
        "dead-letter-exchange": "clicks.dead",
        "dead-letter-strategy": "at-least-once",
        "overflow": "reject-publish",
        "max-length-bytes": 8_589_934_592,
        "delivery-limit": 100,
    }
    assert json.loads(policies["clicks-dead"]["definition"]) == {
        "overflow": "reject-publish",
        "max-length-bytes": 1_073_741_824,
    }


async def test_policies_apply_to_the_queues(stack: Stack) -> None:
    """The stack's own user may declare the queues, and each gets the policy meant for it."""
    async with await aio_pika.connect(stack.urls.amqp_url) as connection:
        channel = await connection.channel()
        for name in ("clicks.ingest", "clicks.dead", "clicks.other"):
            await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
    queues = _rabbitmqctl(stack, "list_queues", "name", "policy")
    assert {queue["name"]: queue["policy"] for queue in queues} == {
        "clicks.ingest": "clicks-ingest",
        "clicks.dead": "clicks-dead",
        "clicks.other": "",
    }


@pytest.mark.parametrize("name", ["redis", "postgres", "nginx"])
def test_killed_server_comes_back(stack: Stack, name: str) -> None:
    """Within seconds, as another process."""
    before = stack.pid(name)
    stack.kill(name)
    stack.wait_ready(name, timeout_s=10)
    assert stack.pid(name) != before


def test_frozen_server_answers_after_the_thaw(stack: Stack) -> None:
    """Frozen means silent, not gone."""
    before = stack.pid("postgres")
    stack.freeze("postgres")
    with pytest.raises(TimeoutError):
        stack.probe("postgres")
    stack.thaw("postgres")
    stack.wait_ready("postgres", timeout_s=10)
    assert stack.pid("postgres") == before


def test_stopped_server_stays_stopped(stack: Stack) -> None:
    """Until it is started again."""
    stack.freeze("redis")
    stack.stop_program("redis")
    with pytest.raises(ConnectionRefusedError):
        stack.probe("redis")
    assert stack.states()["redis"].is_stopped
    stack.start_program("redis")
    stack.wait_ready("redis", timeout_s=10)


def test_redis_is_a_cache(stack: Stack) -> None:
    """Bounded, least frequently used out first, nothing on disk."""
    environment = {
        "PATH": SEARCH_PATH,
        "REDISCLI_AUTH": stack.urls.redis_url.split(":")[2].split("@")[0],
    }
    shown = subprocess.run(
        [
            "redis-cli",
            "-p",
            str(stack.port("redis")),
            "CONFIG",
            "GET",
            "maxmemory*",
            "save",
            "appendonly",
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    settings = dict(zip(shown[::2], shown[1::2], strict=False))
    assert settings["maxmemory"] == str(512 * 1024 * 1024)
    assert settings["maxmemory-policy"] == "allkeys-lfu"
    assert (settings["save"], settings["appendonly"]) == ("", "no")


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


def _rabbitmqctl(stack: Stack, *arguments: str) -> list[dict[str, str]]:
    command = find("rabbitmqctl")
    assert command is not None
    done = subprocess.run(
        [command, "--quiet", "--formatter", "json", *arguments],
        env={"PATH": SEARCH_PATH, **stack.service_environment("rabbitmq")},
        capture_output=True,
        text=True,
        check=True,
    )
    rows: list[dict[str, str]] = json.loads(done.stdout)
    return rows
