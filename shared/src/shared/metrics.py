"""Every metric of every process: name, labels, buckets. No short code or URL is ever a label.

Each class is made once by a service's wiring, with a registry of its own; children with labels are
bound here, so that counting on the hot path is one method call.
"""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector

from shared.link import Outcome
from shared.plain_histogram import PlainHistogram

_FAST_BUCKETS_S = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_SLOW_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LAG_BUCKETS_S = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 3600, 86400)
_SIZE_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_BATCH_BUCKETS = (1, 10, 50, 100, 250, 500, 1000, 2500, 5000)


def create_registry() -> CollectorRegistry:
    """Make a registry that also reports the process and its garbage collector."""
    # Else each counter has a second series, which nobody reads.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class RedirectorMetrics:
    """What a redirector counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        redirects = Counter(
            "qck_redirects", "Requests for a short code, by outcome", ["outcome"],
            registry=registry,
        )  # fmt: skip
        self.redirects = {outcome: redirects.labels(outcome.value) for outcome in Outcome}
        self.scan_limit_addresses = Gauge(
            "qck_scan_limit_addresses", "Visitors that get nothing, for asking for unknown codes",
            registry=registry,
        )  # fmt: skip
        self.scan_limit_forgotten = Counter(
            "qck_scan_limit_forgotten", "Visitors no longer counted, since there were too many",
            registry=registry,
        )  # fmt: skip
        self.redirect_duration = PlainHistogram(
            "qck_redirect_duration_seconds", "From request to answer, inside the redirector",
            bounds=_FAST_BUCKETS_S, registry=registry,
        )  # fmt: skip
        lookups = Counter(
            "qck_link_cache_lookups", "Links looked up in Redis", ["outcome"], registry=registry
        )
        self.cache_hits = lookups.labels("hit")
        self.cache_negative_hits = lookups.labels("negative")
        self.cache_misses = lookups.labels("miss")
        self.cache_errors = lookups.labels("error")
        self.cache_skipped = lookups.labels("skipped")
        duration = Histogram(
            "qck_link_lookup_duration_seconds", "One joined lookup", ["store"],
            buckets=_FAST_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.cache_duration = duration.labels("redis")
        self.database_duration = duration.labels("postgres")
        size = Histogram(
            "qck_link_lookup_batch_links", "Links in one joined lookup", ["store"],
            buckets=_SIZE_BUCKETS, registry=registry,
        )  # fmt: skip
        self.cache_batch_size = size.labels("redis")
        self.database_batch_size = size.labels("postgres")
        self.database_errors = Counter(
            "qck_link_database_errors", "Joined lookups that PostgreSQL did not answer",
            registry=registry,
        )  # fmt: skip
        self.write_back_errors = Counter(
            "qck_link_write_back_errors", "Links read from PostgreSQL that Redis did not take",
            registry=registry,
        )  # fmt: skip
        breaker_open = Gauge(
            "qck_breaker_open", "1 while a store is given up and only probed", ["store"],
            registry=registry,
        )  # fmt: skip
        self.breaker_open = {name: breaker_open.labels(name) for name in ("redis", "postgres")}
        self.clicks_appended = Counter(
            "qck_clicks_appended", "Clicks written to the spool", registry=registry
        )
        shed = Counter(
            "qck_clicks_shed", "Clicks dropped on purpose, because the spool could not take them",
            ["reason"], registry=registry,
        )  # fmt: skip
        self.clicks_shed_full = shed.labels("spool_full")
        self.clicks_shed_error = shed.labels("write_error")
        self.spool_bytes = Gauge(
            "qck_spool_bytes", "Bytes spooled and not yet confirmed by the broker",
            registry=registry,
        )  # fmt: skip
        self.spool_age = Gauge(
            "qck_spool_oldest_age_seconds", "Age of the oldest click not yet confirmed",
            registry=registry,
        )  # fmt: skip
        self.spool_torn_tails = Counter(
            "qck_spool_torn_tails", "Incomplete last lines of dead processes, never answered",
            registry=registry,
        )  # fmt: skip
        self.clicks_published = Counter(
            "qck_clicks_published", "Clicks confirmed by the broker", registry=registry
        )
        messages = Counter(
            "qck_click_messages", "Messages sent to the broker", ["outcome"], registry=registry
        )
        self.messages_confirmed = messages.labels("confirmed")
        self.messages_failed = messages.labels("failed")


class ShortenerMetrics:
    """What a shortener counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "qck_api_requests", "API requests", ["route", "method", "status"], registry=registry
        )
        self.request_duration = Histogram(
            "qck_api_request_duration_seconds", "API request duration", ["route", "method"],
            buckets=_SLOW_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.code_collisions = Counter(
            "qck_short_code_collisions", "Random codes that were taken and drawn again",
            registry=registry,
        )  # fmt: skip
        writes = Counter(
            "qck_link_cache_writes", "Changes of links sent to Redis", ["outcome"],
            registry=registry,
        )  # fmt: skip
        self.cache_writes_done = writes.labels("done")
        self.cache_writes_failed = writes.labels("failed")
        block_links = Counter(
            "qck_block_links", "Links changed because a domain was blocked or unblocked",
            ["change"], registry=registry,
        )  # fmt: skip
        self.block_links_taken_down = block_links.labels("taken_down")
        self.block_links_put_back = block_links.labels("put_back")
        self.outbox_pending = Gauge(
            "qck_link_outbox_pending", "Changes of links that Redis does not have yet",
            registry=registry,
        )  # fmt: skip
        self.outbox_age = Gauge(
            "qck_link_outbox_oldest_age_seconds", "Age of the oldest such change",
            registry=registry,
        )  # fmt: skip


class IngestMetrics:
    """What a click-ingest worker counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.messages = Counter(
            "qck_ingest_messages", "Messages received from the broker", registry=registry
        )
        self.received = Counter(
            "qck_clicks_received", "Clicks in received messages, repeats included",
            registry=registry,
        )  # fmt: skip
        self.stored = Counter("qck_clicks_stored", "Rows inserted", registry=registry)
        self.repeated = Counter(
            "qck_clicks_repeated", "Clicks that were stored already", registry=registry
        )
        self.dead_lettered = Counter(
            "qck_clicks_dead_lettered", "Clicks set aside, by reason", ["reason"],
            registry=registry,
        )  # fmt: skip
        self.batch_size = Histogram(
            "qck_click_batch_clicks", "Clicks in one flush", buckets=_BATCH_BUCKETS,
            registry=registry,
        )  # fmt: skip
        self.flush_duration = Histogram(
            "qck_click_flush_duration_seconds", "One transaction that stores a batch",
            buckets=_SLOW_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.flush_failures = Counter(
            "qck_click_flush_failures", "Flushes that failed and are tried again",
            registry=registry,
        )  # fmt: skip
        self.lag = Histogram(
            "qck_click_lag_seconds", "From click to committed row, oldest click of each batch",
            buckets=_LAG_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self.partition_horizon = Gauge(
            "qck_click_partition_horizon_seconds", "How far ahead partitions of clicks exist",
            registry=registry,
        )  # fmt: skip
        self.ledger_missing = Gauge(
            "qck_ledger_missing_clicks", "Clicks that the broker had and that never arrived",
            registry=registry,
        )  # fmt: skip
        self.ledger_in_flight = Gauge(
            "qck_ledger_in_flight_clicks", "Clicks on their way, as of the newest messages",
            registry=registry,
        )  # fmt: skip
        self.ledger_deleted = Gauge(
            "qck_ledger_deleted_clicks", "Stored clicks whose rows were deleted",
            registry=registry,
        )  # fmt: skip
