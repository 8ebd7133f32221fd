"""What the span of an API request holds, and what it does not."""

import httpx2
import pytest
import structlog
from opentelemetry.trace import SpanKind, StatusCode
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from shortener.error_answers import EXCEPTION_HANDLERS, UnexpectedErrors
from shortener.problems import short_url_not_found
from shortener.request_id import RequestId
from shortener.request_traces import RequestTraces
from tests.support.spans import KeptSpans, attributes

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
ROUTE = "/rest/v3/short-urls/{shortCode}"
PROBLEM = "https://shlink.io/api/error/"


async def _resource(request: Request) -> Response:
    what = request.path_params["shortCode"]
    if what == "unknown":
        raise short_url_not_found(what, "")
    if what == "broken":
        raise RuntimeError("hush")
    return PlainTextResponse(str(structlog.contextvars.get_contextvars().get("trace_id")))


async def _healthz(_: Request) -> Response:
    return PlainTextResponse("ok")


class World:
    """An application with one resource, and the spans of its requests."""

    def __init__(self) -> None:
        self.spans = KeptSpans()
        middleware = Middleware(
            RequestTraces,
            tracer=self.spans.tracer,
            templates={_resource: ROUTE, _healthz: "/healthz"},
            untraced={"/healthz"},
        )
        self._app = Starlette(
            routes=[
                Route(ROUTE, _resource, methods=["GET", "DELETE"]),
                Route("/healthz", _healthz),
            ],
            exception_handlers=EXCEPTION_HANDLERS,
            middleware=[Middleware(RequestId), middleware, Middleware(UnexpectedErrors)],
        )

    async def ask(
        self, target: str, method: str = "GET", **headers: str
    ) -> tuple[httpx2.Response, dict[str, object]]:
        """Send a request; return the answer and the attributes of its span."""
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(self._app), base_url="http://s"
        ) as client:
            answer = await client.request(method, target, headers=headers)
        return answer, attributes(self.spans.only())


@pytest.fixture
def world() -> World:
    """One for each test."""
    return World()


async def test_a_span_has_route_method_status_and_request_id(world: World) -> None:
    """And nothing else: no path, no query, no header."""
    answer, held = await world.ask(
        "/rest/v3/short-urls/my-code?longUrl=https://hush.example", **{"X-Request-Id": "id-1"}
    )
    assert held == {
        "http.request.method": "GET",
        "http.route": ROUTE,
        "http.response.status_code": 200,
        "qck.request_id": "id-1",
    }
    span = world.spans.only()
    assert (span.name, span.kind, span.parent) == (f"GET {ROUTE}", SpanKind.SERVER, None)
    assert span.status.status_code is StatusCode.UNSET
    assert f"{span.context.trace_id:032x}" == answer.text


async def test_the_callers_trace_is_taken_over(world: World) -> None:
    """Its `traceparent` names the trace and the parent, its `tracestate` goes on."""
    await world.ask(
        "/rest/v3/short-urls/x", traceparent=f"00-{TRACE}-{PARENT}-01", tracestate="a=1"
    )
    span = world.spans.only()
    assert span.parent is not None
    assert (span.parent.trace_id, span.parent.span_id) == (int(TRACE, 16), int(PARENT, 16))
    assert span.context.trace_state.to_header() == "a=1"


async def test_a_caller_that_takes_no_trace_gets_none(world: World) -> None:
    """The default sampler goes by the caller's flag."""
    with pytest.raises(ValueError, match="not enough values"):
        await world.ask("/rest/v3/short-urls/unknown", traceparent=f"00-{TRACE}-{PARENT}-00")


@pytest.mark.parametrize("header", ["", "nonsense", f"00-{'0' * 32}-{PARENT}-01", "00-a-b-01"])
async def test_a_wrong_traceparent_begins_a_trace(world: World, header: str) -> None:
    """A request is never refused for it."""
    answer, _ = await world.ask("/rest/v3/short-urls/x", traceparent=header)
    assert answer.status_code == 200
    assert world.spans.only().parent is None


async def test_a_problem_is_told_by_its_type(world: World) -> None:
    """Of an error there is its kind, and nothing that it says."""
    _, held = await world.ask("/rest/v3/short-urls/unknown", "DELETE")
    assert held["qck.problem.type"] == f"{PROBLEM}short-url-not-found"
    assert held["http.response.status_code"] == 404
    assert "error.type" not in held


async def test_what_nobody_foresaw_makes_an_error(world: World) -> None:
    """The span is failed, without the exception's text."""
    _, held = await world.ask("/rest/v3/short-urls/broken")
    assert held["qck.problem.type"] == f"{PROBLEM}internal-server-error"
    assert (held["http.response.status_code"], held["error.type"]) == (500, "500")
    span = world.spans.only()
    assert span.status.status_code is StatusCode.ERROR
    assert "hush" not in span.to_json()


async def test_an_unknown_path_has_no_route(world: World) -> None:
    """Neither is it in the name."""
    _, held = await world.ask("/rest/v3/hush")
    assert "http.route" not in held
    assert world.spans.only().name == "GET"
    assert "hush" not in world.spans.only().to_json()


async def test_an_unknown_method_is_other(world: World) -> None:
    """A caller cannot fill names with whatever it likes."""
    _, held = await world.ask("/rest/v3/short-urls/x", "HUSH")
    assert held["http.request.method"] == "_OTHER"
    assert "HUSH" not in world.spans.only().to_json()


async def test_health_checks_make_no_spans(world: World) -> None:
    """They come every few seconds and say nothing."""
    with pytest.raises(ValueError, match="not enough values"):
        await world.ask("/healthz")
