"""What a click-ingest worker counts: clicks, batches, what waits in queues, the ledger."""

from prometheus_client import CollectorRegistry

from shared.metrics import buckets
from shared.metrics.instruments import Instruments
from shared.metrics.pools import PoolMetrics
from shared.metrics.traces import TraceMetrics


class IngestMetrics:
    """All metrics of a worker; `definitions` has what they are."""

    def __init__(self, registry: CollectorRegistry) -> None:
        make = Instruments(registry)
        self.definitions = make.definitions
        self._make_clicks(make)
        self._make_batches(make)
        self._make_queues(make)
        self._make_ledger(make)
        self._make_statistics(make)
        self.pools = PoolMetrics(make, registry)
        self.traces = TraceMetrics(make)

    def _make_clicks(self, make: Instruments) -> None:
        self.messages = make.counter("qck_ingest_messages", "Messages received from the broker")
        self.received = make.counter(
            "qck_clicks_received", "Clicks in received messages, repeats included"
        )
        self.stored = make.counter("qck_clicks_stored", "Rows inserted")
        self.repeated = make.counter(
            "qck_clicks_repeated",
            "Clicks that were stored already, if only by a commit whose reply was lost: those are"
            " not among the stored ones",
        )
        self.dead_lettered = make.counter(
            "qck_clicks_dead_lettered", "Clicks set aside, by reason", "reason"
        )

    def _make_batches(self, make: Instruments) -> None:
        self.batch_size = make.histogram(
            "qck_click_batch_clicks", "Clicks in one flush", bounds=buckets.FLUSH_CLICKS
        )
        self.flush_duration = make.histogram(
            "qck_click_flush_duration_seconds", "One transaction that stores a batch",
            bounds=buckets.SLOW_S,
        )  # fmt: skip
        self.flush_failures = make.counter(
            "qck_click_flush_failures", "Flushes that failed and are tried again"
        )
        self.lag = make.histogram(
            "qck_click_lag_seconds", "From click to committed row, oldest click of each batch",
            bounds=buckets.LAG_S,
        )  # fmt: skip

    def _make_queues(self, make: Instruments) -> None:
        self.queue_messages = make.gauge(
            "qck_queue_messages", "Messages that wait in a queue; NaN while nobody can tell",
            "queue",
        )  # fmt: skip
        self.queue_consumers = make.gauge(
            "qck_queue_consumers", "Consumers of a queue; NaN while nobody can tell", "queue"
        )
        self.is_stopped = make.gauge(
            "qck_ingest_stopped", "1 once too much poison has stopped the worker"
        )

    def _make_ledger(self, make: Instruments) -> None:
        self.partition_horizon = make.gauge(
            "qck_click_partition_horizon_seconds",
            "How far ahead partitions of clicks exist; NaN until somebody has looked",
        )
        self.ledger_missing = make.gauge(
            "qck_ledger_missing_clicks", "Clicks that the broker had and that never arrived"
        )
        self.ledger_in_flight = make.gauge(
            "qck_ledger_in_flight_clicks", "Clicks on their way, as of the newest messages"
        )
        self.ledger_deleted = make.gauge(
            "qck_ledger_deleted_clicks", "Stored clicks whose rows were deleted"
        )

    def _make_statistics(self, make: Instruments) -> None:
        self.statistics_lag = make.gauge(
            "qck_statistics_lag_seconds", "Age of the oldest clicks that are in no statistics yet"
        )
        self.statistics_clicks = make.counter(
            "qck_statistics_clicks", "Clicks added to the statistics by day, or taken away"
        )
        self.statistics_cropped = make.counter(
            "qck_statistics_cropped_clicks",
            "Clicks whose value of some dimension is one of too many and was put into `other`,"
            " once for each dimension and scope",
        )
        self.statistics_step_duration = make.histogram(
            "qck_statistics_step_duration_seconds", "One transaction that adds to the statistics",
            bounds=buckets.SLOW_S,
        )  # fmt: skip
