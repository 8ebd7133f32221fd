"""Requests as spans, children of their callers' ones; imported only where traces are wanted."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec
import structlog
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_PROPAGATION = frozenset({b"traceparent", b"tracestate"})


class _Problem(msgspec.Struct):
    type: str


class RequestTraces:
    """ASGI middleware: one span for each request but those of the `untraced` paths.

    A span has the route's template, method, status, request id, and the type of a problem. Paths,
    queries, headers and what errors say are in none: they have codes, keys and long URLs. Log
    lines in between have the `trace_id`.
    """

    def __init__(
        self,
        app: ASGIApp,
        tracer: Tracer,
        templates: Mapping[Any, str],
        untraced: Collection[str],
    ) -> None:
        self._app = app
        self._tracer = tracer
        self._templates = templates
        self._untraced = untraced

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in self._untraced:
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        with self._tracer.start_as_current_span(
            method,
            context=_caller(scope["headers"]),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": method,
                "qck.request_id": structlog.contextvars.get_contextvars()["request_id"],
            },
            record_exception=False,  # its text may have anything in it
            set_status_on_exception=False,
        ) as span:
            trace_id = format_trace_id(span.get_span_context().trace_id)
            try:
                with structlog.contextvars.bound_contextvars(trace_id=trace_id):
                    await self._app(scope, receive, _watching(span, send))
            except Exception as error:
                _fail(span, type(error).__name__)
                raise
            finally:
                # The router puts the endpoint into the scope; without one no route was found.
                if route := self._templates.get(scope.get("endpoint")):
                    span.set_attribute("http.route", route)
                    span.update_name(f"{method} {route}")


def _caller(headers: Iterable[tuple[bytes, bytes]]) -> Context:
    """Return what a caller's `traceparent` says; empty where there is none, or a wrong one."""
    carrier = {
        name.decode(): value.decode("latin-1") for name, value in headers if name in _PROPAGATION
    }
    return TraceContextTextMapPropagator().extract(carrier, Context())


def _watching(span: Span, send: Send) -> Send:
    """Note on the span what is answered by `send`."""
    is_problem = False

    async def watch(message: Message) -> None:
        nonlocal is_problem
        if message["type"] == "http.response.start":
            status: int = message["status"]
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                _fail(span, str(status))
            content_type = dict(message["headers"]).get(b"content-type", b"")
            is_problem = content_type.startswith(b"application/problem+json")
        elif is_problem and span.is_recording():
            is_problem = False  # it is in one piece
            _note_problem(span, message.get("body", b""))
        await send(message)

    return watch


def _note_problem(span: Span, body: bytes) -> None:
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.DecodeError:  # the answer to a HEAD has none
        return
    span.set_attribute("qck.problem.type", problem.type)


def _fail(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR)
