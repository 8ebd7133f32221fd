"""Spans on their way to whoever receives traces; all of these stay 0 where none is asked for."""

from shared.metrics.instruments import Instruments


class TraceMetrics:
    """The metrics of exported traces."""

    def __init__(self, make: Instruments) -> None:
        self.exported = make.counter(
            "qck_trace_spans_exported", "Spans that were sent and accepted"
        )
        dropped = make.counter("qck_trace_spans_dropped", "Spans dropped, by reason", "reason")
        self.dropped_queue_full = dropped.labels("queue_full")
        self.dropped_export_failed = dropped.labels("export_failed")
        self.dropped_shutdown = dropped.labels("shutdown")
