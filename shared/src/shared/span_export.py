"""Spans are made here and sent by a thread of the SDK's; each is sent or counted as dropped.

Imported only where traces are asked for.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    Sampler,
    TraceIdRatioBased,
)

from shared.metrics.traces import TraceMetrics
from shared.trace_settings import OtelSettings

EXPORT_TIMEOUT_S = 5.0
"""For one send with all its repetitions; what is not accepted by then is dropped."""

FLUSH_S = 1.0
"""For what waits when the process stops: a receiver that is there takes it in milliseconds."""

MAX_SPANS_PER_SEND = 512

log = structlog.get_logger()


class Tracing:
    """Makes spans by its `tracer`; sends them while `exporting` is entered.

    At most `bsp_max_queue_size` spans wait, and nobody ever waits for them to be sent. What is
    not sent is counted by `qck_trace_spans_dropped_total`.
    """

    def __init__(
        self, settings: OtelSettings, *, service: str, instance: str, metrics: TraceMetrics
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._provider = TracerProvider(
            sampler=_sampler(settings),
            resource=Resource.create(
                {
                    "service.namespace": "qck",
                    "service.name": settings.service_name or service,
                    "service.instance.id": instance or service,
                }
            ),
            shutdown_on_exit=False,  # which would wait for as long as the receiver likes
        )
        self.tracer = self._provider.get_tracer("qck")

    @asynccontextmanager
    async def exporting(self) -> AsyncIterator[None]:
        """Send spans for the block, then for at most `FLUSH_S` what still waits."""
        exporter = OTLPSpanExporter(
            endpoint=self._settings.traces_url,
            headers=self._settings.headers(),
            timeout=EXPORT_TIMEOUT_S,
        )
        queue = SpanQueue(
            exporter,
            max_spans=self._settings.bsp_max_queue_size,
            delay_ms=self._settings.bsp_schedule_delay,
            metrics=self._metrics,
        )
        self._provider.add_span_processor(queue)
        log.info("traces_exported", to=self._settings.traces_url)
        try:
            yield
        finally:
            await queue.close()


class SpanQueue(SpanProcessor):
    """The SDK's batch processor behind a bound of its own, since that one drops in silence."""

    def __init__(
        self, exporter: SpanExporter, *, max_spans: int, delay_ms: int, metrics: TraceMetrics
    ) -> None:
        self._exporter = exporter
        self._max_spans = max_spans
        self._metrics = metrics
        self._lock = threading.Lock()
        self._waiting = 0  # in the batch processor's queue, or just being sent
        self._is_closed = False
        self._batches = BatchSpanProcessor(
            _CountedExporter(self, exporter),
            max_queue_size=max_spans,
            schedule_delay_millis=delay_ms,
            max_export_batch_size=min(max_spans, MAX_SPANS_PER_SEND),
        )

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Do nothing: spans are kept when they end."""

    def on_end(self, span: ReadableSpan) -> None:
        """Keep a span until it is sent, or drop it when too many wait."""
        if not span.context.trace_flags.sampled:
            return
        with self._lock:
            is_closed, is_full = self._is_closed, self._waiting >= self._max_spans
            self._waiting += not (is_closed or is_full)
        if is_closed:
            self._metrics.dropped_shutdown.inc()
        elif is_full:
            self._metrics.dropped_queue_full.inc()
        else:
            self._batches.on_end(span)

    def sent(self, spans: int, result: SpanExportResult) -> None:
        """Note that so many no longer wait, and what has become of them."""
        with self._lock:
            if self._is_closed:
                return  # given up, and counted so
            self._waiting -= spans
        if result is SpanExportResult.SUCCESS:
            self._metrics.exported.inc(spans)
        else:
            self._metrics.dropped_export_failed.inc(spans)

    async def close(self) -> None:
        """Send what waits, for at most `FLUSH_S`, and give up the rest."""
        # A daemon: neither the event loop nor the process's end waits for what hangs in it.
        stopping = threading.Thread(target=self._batches.shutdown, daemon=True)
        stopping.start()
        await asyncio.to_thread(stopping.join, FLUSH_S)
        with self._lock:
            self._is_closed = True
            given_up, self._waiting = self._waiting, 0
        if given_up:
            self._metrics.dropped_shutdown.inc(given_up)
            log.warning("trace_spans_given_up", spans=given_up)
            self._exporter.shutdown()  # ends its waiting between two attempts

    def shutdown(self) -> None:
        """Do nothing: `close` does it."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what waits now."""
        return self._batches.force_flush(timeout_millis)


class _CountedExporter(SpanExporter):
    """Tells the queue what has become of each batch."""

    def __init__(self, queue: SpanQueue, exporter: SpanExporter) -> None:
        self._queue = queue
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch."""
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            self._queue.sent(len(spans), result)
        return result

    def shutdown(self) -> None:
        """End."""
        self._exporter.shutdown()


def _sampler(settings: OtelSettings) -> Sampler:
    name = settings.traces_sampler
    root: Sampler = {
        "always_on": ALWAYS_ON,
        "always_off": ALWAYS_OFF,
        "traceidratio": TraceIdRatioBased(settings.traces_sampler_arg),
    }[name.removeprefix("parentbased_")]
    return ParentBased(root) if name.startswith("parentbased_") else root
