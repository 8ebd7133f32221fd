"""What a shortener counts: requests of the API, and changes on their way to the cache."""

from prometheus_client import CollectorRegistry

from shared.metrics import buckets
from shared.metrics.instruments import Instruments
from shared.metrics.pools import PoolMetrics
from shared.metrics.traces import TraceMetrics


class ShortenerMetrics:
    """All metrics of a shortener; `definitions` has what they are."""

    def __init__(self, registry: CollectorRegistry) -> None:
        make = Instruments(registry)
        self.definitions = make.definitions
        self.requests = make.counter(
            "qck_api_requests", "API requests", "route", "method", "status"
        )
        self.request_duration = make.histogram(
            "qck_api_request_duration_seconds", "API request duration", "route", "method",
            bounds=buckets.SLOW_S,
        )  # fmt: skip
        self.code_collisions = make.counter(
            "qck_short_code_collisions", "Random codes that were taken and drawn again"
        )
        writes = make.counter("qck_link_cache_writes", "Changes of links sent to Redis", "outcome")
        self.cache_writes_done = writes.labels("done")
        self.cache_writes_failed = writes.labels("failed")
        rate_limits = make.counter(
            "qck_rate_limit_checks", "Requests by what their key's rate limit said", "outcome"
        )
        self.rate_limits_allowed = rate_limits.labels("allowed")
        self.rate_limits_refused = rate_limits.labels("refused")
        self.rate_limits_skipped = rate_limits.labels("skipped")
        block_links = make.counter(
            "qck_block_links", "Links changed because a domain was blocked or unblocked", "change"
        )
        self.block_links_taken_down = block_links.labels("taken_down")
        self.block_links_put_back = block_links.labels("put_back")
        self.outbox_pending = make.gauge(
            "qck_link_outbox_pending", "Changes of links that Redis does not have yet"
        )
        self.outbox_age = make.gauge(
            "qck_link_outbox_oldest_age_seconds", "Age of the oldest such change"
        )
        self.visit_changes_waiting = make.gauge(
            "qck_link_visit_changes_waiting",
            "Links, some of them repeatedly, whose newest visits are not in the order by visits"
            " and in the visits of tags yet",
        )
        self.visit_recounts = make.counter(
            "qck_visit_recounts",
            "Times that so many waited that the visits of all links were looked up anew, in steps",
        )
        self.pools = PoolMetrics(make, registry)
        self.traces = TraceMetrics(make)
