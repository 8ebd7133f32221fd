"""What surrounds every endpoint: errors as problems, request ids, metrics, bounded bodies."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import structlog
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.metrics import ShortenerMetrics
from shortener.error_answers import EXCEPTION_HANDLERS, UnexpectedErrors
from shortener.request_body import MAX_BODY_BYTES, read_json_object
from shortener.request_id import RequestId
from shortener.request_metrics import RequestMetrics
from shortener.transactions import DatabaseUnavailableError


async def echo(request: Request) -> Response:
    """Answer with what was sent."""
    return JSONResponse({"got": await read_json_object(request)})


async def bug(request: Request) -> Response:
    """Fail as nobody foresaw."""
    raise ZeroDivisionError("secret detail")


async def away(request: Request) -> Response:
    """Fail for lack of a database."""
    raise DatabaseUnavailableError("The database does not answer.")


@pytest.fixture
def registry() -> CollectorRegistry:
    """A registry without a past."""
    return CollectorRegistry()


@pytest.fixture
def app(registry: CollectorRegistry) -> Starlette:
    """Endpoints that fail in each way, inside the middleware of the service."""
    routes = [
        Route("/echo/{code}", echo, methods=["GET", "POST"]),
        Route("/bug", bug),
        Route("/away", away),
    ]
    templates: dict[Any, str] = {route.endpoint: route.path for route in routes}
    return Starlette(
        routes=routes,
        exception_handlers=EXCEPTION_HANDLERS,
        middleware=[
            Middleware(RequestMetrics, metrics=ShortenerMetrics(registry), templates=templates),
            Middleware(RequestId),
            Middleware(UnexpectedErrors),
        ],
    )


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of it."""
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://test"
    ) as client:
        yield client


def problem(answer: httpx2.Response) -> dict[str, Any]:
    """Check that the answer is a whole problem; return it."""
    assert answer.headers["content-type"] == "application/problem+json"
    content: dict[str, Any] = answer.json()
    assert content["status"] == answer.status_code
    assert {"type", "title", "detail"} <= set(content)
    return content


async def test_a_bug_is_logged_and_not_shown(client: httpx2.AsyncClient) -> None:
    """The answer is a problem without details; the log has the exception."""
    with structlog.testing.capture_logs() as logs:
        answer = await client.get("/bug")
    assert answer.status_code == 500
    assert problem(answer)["type"].endswith("/internal-server-error")
    assert "secret" not in answer.text
    assert [(entry["event"], entry["exc_info"]) for entry in logs] == [("request_failed", True)]


async def test_a_missing_database_is_worth_another_try(client: httpx2.AsyncClient) -> None:
    """The caller is told when."""
    answer = await client.get("/away")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert problem(answer)["type"].endswith("/service-unavailable")


async def test_an_unknown_path_is_a_problem(client: httpx2.AsyncClient) -> None:
    """Not a page of Starlette's."""
    answer = await client.get("/nowhere")
    assert answer.status_code == 404
    assert problem(answer)["type"].endswith("/not-found")


async def test_a_wrong_method_lists_the_right_ones(client: httpx2.AsyncClient) -> None:
    """In the order of the alphabet, as a header too."""
    answer = await client.delete("/echo/x")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert problem(answer)["type"].endswith("/method-not-allowed")


@pytest.mark.parametrize("path", ["/bug", "/away", "/nowhere", "/echo/x"])
async def test_every_answer_has_a_request_id(client: httpx2.AsyncClient, path: str) -> None:
    """The caller's own, or a fresh one."""
    given = await client.get(path, headers={"X-Request-Id": "abc-123"})
    assert given.headers.get_list("x-request-id") == ["abc-123"]
    made = [(await client.get(path)).headers["x-request-id"] for _ in range(2)]
    assert len(set(made)) == 2
    assert len(made[0]) == 36


@pytest.mark.parametrize("strange", ["", "a b", "x" * 129])
async def test_a_strange_request_id_is_replaced(client: httpx2.AsyncClient, strange: str) -> None:
    """It goes into logs and headers, so it has to be one short word."""
    answer = await client.get("/echo/x", headers={"X-Request-Id": strange})
    assert len(answer.headers["x-request-id"]) == 36


async def test_requests_are_counted_by_template(
    client: httpx2.AsyncClient, registry: CollectorRegistry
) -> None:
    """Never by path, and a path that nobody knows has a label of its own."""

    def count(route: str, status: str, method: str = "GET") -> float | None:
        labels = {"route": route, "method": method, "status": status}
        return registry.get_sample_value("qck_api_requests_total", labels)

    for code in ("a", "b"):
        await client.get(f"/echo/{code}")
    await client.delete("/echo/a")
    await client.get("/bug")
    await client.get("/nowhere")
    await client.request("BREW", "/nowhere")
    assert count("/echo/{code}", "200") == 2
    assert count("/echo/{code}", "405", "DELETE") == 1
    assert count("/bug", "500") == 1
    assert count("unmatched", "404") == 1
    assert count("unmatched", "404", "other") == 1
    labels = {"route": "/echo/{code}", "method": "GET"}
    assert registry.get_sample_value("qck_api_request_duration_seconds_count", labels) == 2


@pytest.mark.parametrize("body", [b"", b"  \n"])
async def test_an_empty_body_has_no_members(client: httpx2.AsyncClient, body: bytes) -> None:
    """It stands for an empty object."""
    assert (await client.post("/echo/x", content=body)).json() == {"got": {}}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b"5",
        b"null",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": 1,}',
        b'{"a": "\xff"}',
        b'{"\xff": 1}',
        b'{"a": "\\ud800"}',
        b"\xff\xfe{\x00}\x00",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\x00",
    ],
    ids=range(17),
)
async def test_what_is_no_json_object_is_malformed(
    client: httpx2.AsyncClient, body: bytes
) -> None:
    """Broken, of another kind, not UTF-8, or nested without end."""
    answer = await client.post("/echo/x", content=body)
    assert answer.status_code == 400
    assert problem(answer)["type"].endswith("/malformed-request-body")


async def test_a_large_body_is_refused_while_it_arrives(client: httpx2.AsyncClient) -> None:
    """The limit itself is fine; beyond it nothing more is read, whatever was announced."""
    largest = b'{"a":"' + b"x" * (MAX_BODY_BYTES - 8) + b'"}'
    assert (await client.post("/echo/x", content=largest)).status_code == 200
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65536
            yield b" " * 65536

    answer = await client.post("/echo/x", content=endless())
    assert answer.status_code == 413
    assert problem(answer)["type"].endswith("/payload-too-large")
    assert sent <= MAX_BODY_BYTES + 2 * 65536


async def test_nobody_is_answered_who_has_hung_up(app: Starlette) -> None:
    """A client that goes away in the middle of its body is no error of ours."""
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/echo/x", "raw_path": b"/echo/x",
        "query_string": b"", "headers": [], "client": ("127.0.0.1", 1),
    }  # fmt: skip
    with structlog.testing.capture_logs() as logs:
        await app(scope, receive, send)
    assert (messages, logs) == ([], [])
