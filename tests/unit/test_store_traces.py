"""What the span of a batch holds."""

import uuid

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from click_ingest.batch import open_batch
from click_ingest.store_traces import TracedWriter, note_commit
from tests.support.clicks import a_click, messages_of
from tests.support.ingest_fakes import FakeWriter
from tests.support.spans import KeptSpans, attributes


async def test_a_batch_is_told_by_its_numbers() -> None:
    """Messages, clicks, and what became of them; nothing of any click."""
    spans, writer = KeptSpans(), FakeWriter()
    traced = TracedWriter(writer, spans.tracer)
    batch = open_batch(messages_of(uuid.uuid4(), 2, 3))
    writer.stored = {click.id: click for click in batch.clicks[:2]}
    assert await traced.write(batch) == 4
    span = spans.only()
    assert (span.name, span.kind) == ("store clicks", SpanKind.CONSUMER)
    assert attributes(span) == {
        "messaging.system": "rabbitmq",
        "messaging.operation.type": "process",
        "messaging.destination.name": "clicks.ingest",
        "messaging.batch.message_count": 2,
        "qck.clicks.received": 6,
        "qck.clicks.set_aside": 0,
        "qck.clicks.stored": 4,
        "qck.clicks.repeated": 2,
    }
    assert batch.clicks[0].short_code not in span.to_json()


async def test_a_failed_attempt_is_an_error_without_its_text() -> None:
    """PostgreSQL's text may have a click in it."""
    spans, writer = KeptSpans(), FakeWriter()
    writer.failures = [ConnectionResetError("hush")]
    with pytest.raises(ConnectionResetError):
        await TracedWriter(writer, spans.tracer).write(open_batch(messages_of(uuid.uuid4(), 1, 1)))
    span = spans.only()
    assert attributes(span)["error.type"] == "ConnectionResetError"
    assert span.status.status_code is StatusCode.ERROR
    assert "hush" not in span.to_json()


async def test_refusals_are_asked_of_the_writer() -> None:
    """They are no attempt to store anything."""
    spans = KeptSpans()
    writer = FakeWriter(is_refused=lambda click: click.short_code == "bad")
    traced = TracedWriter(writer, spans.tracer)
    assert await traced.refusal([a_click(short_code="bad")]) is not None
    assert await traced.refusal([a_click()]) is None
    assert not spans.ended


async def test_the_commit_is_marked_on_the_current_span() -> None:
    """Without one nothing happens."""
    spans = KeptSpans()
    note_commit()
    with spans.tracer.start_as_current_span("store clicks"):
        note_commit()
    assert [event.name for event in spans.only().events] == ["commit"]
