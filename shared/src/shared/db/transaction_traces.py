"""Transactions as spans of the request that they are part of; imported only where traces are.

A span lasts as long as a connection is held, so what it does not cover of a request's time is work
of our own or waiting for a connection. Neither statements nor what errors say is in it.
"""

from typing import Any

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from sqlalchemy import event
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import ConnectionPoolEntry

_SPAN = "qck_span"


def trace_transactions(engine: AsyncEngine, tracer: Tracer) -> None:
    """Make a span of each transaction that belongs to a trace; others are none of anybody's."""

    @event.listens_for(engine.sync_engine, "checkout")
    def begin(_: Any, record: ConnectionPoolEntry, __: Any) -> None:
        if trace.get_current_span().get_span_context().is_valid:
            _kept_with(record)[_SPAN] = tracer.start_span(
                "postgresql transaction",
                kind=SpanKind.CLIENT,
                attributes={"db.system.name": "postgresql"},
            )

    @event.listens_for(engine.sync_engine, "commit")
    def commit(connection: Connection) -> None:
        if span := _span_of(connection):
            span.add_event("commit")  # from here to the end is what the commit takes

    @event.listens_for(engine.sync_engine, "handle_error")
    def fail(context: ExceptionContext) -> None:
        if span := _span_of(context.connection):
            span.set_status(StatusCode.ERROR)
            span.set_attribute("error.type", type(context.original_exception).__name__)
            if sqlstate := getattr(context.original_exception, "sqlstate", None):
                span.set_attribute("db.response.status_code", sqlstate)

    @event.listens_for(engine.sync_engine, "checkin")
    def end(_: Any, record: ConnectionPoolEntry) -> None:
        if span := _kept_with(record).pop(_SPAN, None):
            span.end()


def _kept_with(record: ConnectionPoolEntry) -> dict[Any, Any]:
    kept = record.record_info
    assert kept is not None  # noqa: S101 - only a detached connection has none
    return kept


def _span_of(connection: Connection | None) -> Span | None:
    if connection is None or connection.invalidated or connection.closed:
        return None
    span: Span | None = (connection.connection.record_info or {}).get(_SPAN)
    return span
