"""Batches as spans; imported only where traces are asked for."""

from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode, Tracer

from click_ingest.batch import ClickBatch
from click_ingest.flush import Writer
from click_ingest.refusal import Refusal
from shared.broker import INGEST_QUEUE
from shared.click_event import ClickEvent


class TracedWriter:
    """A writer with a span for each attempt to store a batch.

    It has how many messages and clicks came, how many became rows, were stored already or are set
    aside; nothing of any click. The commit lasts from the event `commit` to the span's end.
    """

    __slots__ = ("_tracer", "_writer")

    def __init__(self, writer: Writer, tracer: Tracer) -> None:
        self._writer = writer
        self._tracer = tracer

    async def write(self, batch: ClickBatch) -> int:
        """Store a batch; return the new rows."""
        received, set_aside = batch.received, batch.poison
        with self._tracer.start_as_current_span(
            "store clicks",
            kind=SpanKind.CONSUMER,
            attributes={
                "messaging.system": "rabbitmq",
                "messaging.operation.type": "process",
                "messaging.destination.name": INGEST_QUEUE,
                "messaging.batch.message_count": len(batch.messages),
                "qck.clicks.received": received,
                "qck.clicks.set_aside": set_aside,
            },
            record_exception=False,  # its text may have a click in it
            set_status_on_exception=False,
        ) as span:
            try:
                stored = await self._writer.write(batch)
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(StatusCode.ERROR)
                raise
            span.set_attribute("qck.clicks.stored", stored)
            span.set_attribute("qck.clicks.repeated", received - set_aside - stored)
            return stored

    async def refusal(self, clicks: Sequence[ClickEvent]) -> Refusal | None:
        """Tell whether these clicks cannot be stored."""
        return await self._writer.refusal(clicks)


def note_commit() -> None:
    """Mark on the current span when a transaction begins to commit."""
    trace.get_current_span().add_event("commit")
