"""Each span is sent or counted as dropped, and nobody waits for it."""

import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from prometheus_client import CollectorRegistry

from shared.metrics.instruments import Instruments
from shared.metrics.traces import TraceMetrics
from shared.span_export import FLUSH_S, SpanQueue
from tests.support.ingest import until

SOON_MS, NEVER_MS = 10, 60_000


class FakeExporter(SpanExporter):
    """Takes spans while `is_open`; else holds them, until it is shut down."""

    def __init__(self, result: SpanExportResult = SpanExportResult.SUCCESS) -> None:
        self.result = result
        self.is_open = threading.Event()
        self.is_open.set()
        self.taken: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Take spans."""
        self.is_open.wait()
        self.taken += spans
        return self.result

    def shutdown(self) -> None:
        """Hold nothing any more."""
        self.is_open.set()


class World:
    """A queue of at most three spans in front of an exporter."""

    def __init__(self, exporter: SpanExporter, delay_ms: int = SOON_MS) -> None:
        self.registry = CollectorRegistry()
        self.queue = SpanQueue(
            exporter,
            max_spans=3,
            delay_ms=delay_ms,
            metrics=TraceMetrics(Instruments(self.registry)),
        )
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(self.queue)
        self.tracer = provider.get_tracer("tests")

    def make(self, spans: int) -> None:
        """Make so many spans."""
        for _ in range(spans):
            self.tracer.start_span("a span").end()

    def exported(self) -> float | None:
        """Return how many were sent."""
        return self.registry.get_sample_value("qck_trace_spans_exported_total")

    def dropped(self, reason: str) -> float | None:
        """Return how many were dropped for a reason."""
        return self.registry.get_sample_value("qck_trace_spans_dropped_total", {"reason": reason})


@asynccontextmanager
async def a_world(exporter: SpanExporter, delay_ms: int = SOON_MS) -> AsyncIterator[World]:
    """Make a queue and close it."""
    world = World(exporter, delay_ms)
    try:
        yield world
    finally:
        await world.queue.close()


async def becomes_true(is_so: Callable[[], bool]) -> None:
    """Wait for what the queue's thread does."""

    async def is_so_now() -> bool:
        return is_so()

    await until(is_so_now)


async def test_spans_are_sent_in_the_background() -> None:
    """After the delay all are with the receiver, and counted."""
    exporter = FakeExporter()
    async with a_world(exporter) as world:
        world.make(2)
        await becomes_true(lambda: world.exported() == 2)
    assert len(exporter.taken) == 2


async def test_what_waits_is_sent_at_the_end() -> None:
    """A process that stops does not keep the last seconds for itself."""
    exporter = FakeExporter()
    async with a_world(exporter, NEVER_MS) as world:
        world.make(2)
    assert len(exporter.taken) == 2
    assert (world.exported(), world.dropped("shutdown")) == (2, 0)


async def test_a_full_queue_drops_and_counts() -> None:
    """While nothing is taken, as many wait as may, those that are being sent included."""
    exporter = FakeExporter()
    exporter.is_open.clear()
    async with a_world(exporter) as world:
        world.make(10)
        assert world.dropped("queue_full") == 7
        exporter.is_open.set()
        await becomes_true(lambda: world.exported() == 3)
        world.make(1)
        await becomes_true(lambda: world.exported() == 4)
    assert world.dropped("queue_full") == 7


async def test_what_is_not_accepted_is_counted() -> None:
    """And room is made for others."""
    async with a_world(FakeExporter(SpanExportResult.FAILURE)) as world:
        world.make(3)
        await becomes_true(lambda: world.dropped("export_failed") == 3)
        world.make(1)
        await becomes_true(lambda: world.dropped("export_failed") == 4)
    assert world.exported() == 0


async def test_a_receiver_that_hangs_does_not_hold_the_stop() -> None:
    """After a second the rest is given up and counted, once."""
    exporter = FakeExporter()
    exporter.is_open.clear()
    started = time.monotonic()
    async with a_world(exporter) as world:
        world.make(2)
    assert time.monotonic() - started >= FLUSH_S
    assert world.dropped("shutdown") == 2
    world.make(1)
    assert world.dropped("shutdown") == 3
    await becomes_true(lambda: len(exporter.taken) == 2)
    assert (world.exported(), world.dropped("export_failed")) == (0, 0)


async def test_spans_that_are_not_sampled_are_not_counted() -> None:
    """Nobody wanted them."""
    async with a_world(FakeExporter()) as world:
        provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
        provider.add_span_processor(world.queue)
        provider.get_tracer("tests").start_span("a span").end()
    assert (world.exported(), world.dropped("queue_full")) == (0, 0)
