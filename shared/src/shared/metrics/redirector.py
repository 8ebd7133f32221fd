"""What a redirector counts: redirects, lookups, the spool and what is sent from it."""

from prometheus_client import CollectorRegistry

from shared.link import Outcome
from shared.metrics import buckets
from shared.metrics.instruments import Instruments
from shared.metrics.pools import PoolMetrics


class RedirectorMetrics:
    """All metrics of a redirector; `definitions` has what they are."""

    def __init__(self, registry: CollectorRegistry) -> None:
        make = Instruments(registry)
        self.definitions = make.definitions
        self._make_redirects(make)
        self._make_lookups(make)
        self._make_spool(make)
        self._make_publishing(make)
        self.pools = PoolMetrics(make, registry)

    def _make_redirects(self, make: Instruments) -> None:
        redirects = make.counter(
            "qck_redirects", "Requests for a short code, by outcome", "outcome"
        )
        self.redirects = {outcome: redirects.labels(outcome.value) for outcome in Outcome}
        self.redirect_duration = make.plain_histogram(
            "qck_redirect_duration_seconds",
            "From request to answer, inside the redirector",
            bounds=buckets.FAST_S,
        )
        pixels = make.counter(
            "qck_pixels", "Requests for the tracking pixel of a link, by outcome", "outcome"
        )
        self.pixels = {
            outcome: pixels.labels(outcome)
            for outcome in ("known", "unknown", "unavailable", "overloaded")
        }
        self.visitors_waiting = make.gauge(
            "qck_visitors_waiting", "Visitors who wait for their answers"
        )
        self.scan_limit_addresses = make.gauge(
            "qck_scan_limit_addresses", "Visitors that get nothing, for asking for unknown codes"
        )
        self.scan_limit_forgotten = make.counter(
            "qck_scan_limit_forgotten", "Visitors no longer counted, since there were too many"
        )

    def _make_lookups(self, make: Instruments) -> None:
        lookups = make.counter("qck_link_cache_lookups", "Links looked up in Redis", "outcome")
        self.cache_hits = lookups.labels("hit")
        self.cache_negative_hits = lookups.labels("negative")
        self.cache_misses = lookups.labels("miss")
        self.cache_errors = lookups.labels("error")
        self.cache_skipped = lookups.labels("skipped")
        duration = make.histogram(
            "qck_link_lookup_duration_seconds", "One joined lookup", "store", bounds=buckets.FAST_S
        )
        self.cache_duration = duration.labels("redis")
        self.database_duration = duration.labels("postgres")
        size = make.histogram(
            "qck_link_lookup_batch_links", "Links in one joined lookup", "store",
            bounds=buckets.LOOKUP_LINKS,
        )  # fmt: skip
        self.cache_batch_size = size.labels("redis")
        self.database_batch_size = size.labels("postgres")
        self.database_errors = make.counter(
            "qck_link_database_errors", "Joined lookups that PostgreSQL did not answer"
        )
        self.write_back_errors = make.counter(
            "qck_link_write_back_errors", "Links read from PostgreSQL that Redis did not take"
        )
        breaker_open = make.gauge(
            "qck_breaker_open", "1 while a store is given up and only probed", "store"
        )
        self.breaker_open = {name: breaker_open.labels(name) for name in ("redis", "postgres")}
        self.domain_redirects_age = make.gauge(
            "qck_domain_redirects_age_seconds", "Since the redirects of domains were read"
        )

    def _make_spool(self, make: Instruments) -> None:
        self.clicks_appended = make.counter("qck_clicks_appended", "Clicks written to the spool")
        shed = make.counter(
            "qck_clicks_shed",
            "Clicks dropped on purpose, because the spool could not take them",
            "reason",
        )
        self.clicks_shed_full = shed.labels("spool_full")
        self.clicks_shed_error = shed.labels("write_error")
        self.spool_disk_errors = make.counter(
            "qck_spool_disk_errors",
            "Times that the disk refused to flush clicks, or to make the spool's folder",
        )
        self.spool_bytes = make.gauge(
            "qck_spool_bytes",
            "Bytes spooled, also by dead processes, and not yet confirmed by the broker",
        )
        self.spool_limit = make.gauge(
            "qck_spool_limit_bytes", "Bytes above which clicks are shed (SPOOL_MAX_BYTES)"
        )
        self.spool_clicks = make.gauge(
            "qck_spool_clicks", "Clicks spooled by this process and not yet confirmed"
        )
        self.spool_age = make.gauge(
            "qck_spool_oldest_age_seconds", "Age of the oldest click not yet confirmed"
        )
        self.spools_unusable = make.gauge(
            "qck_spools_unusable", "Folders of spools that could not be locked, read or removed"
        )
        self.spool_torn_tails = make.counter(
            "qck_spool_torn_tails", "Incomplete last lines of dead processes, never answered"
        )

    def _make_publishing(self, make: Instruments) -> None:
        self.clicks_published = make.counter(
            "qck_clicks_published", "Clicks confirmed by the broker"
        )
        messages = make.counter(
            "qck_click_messages",
            "Messages to the broker: sent, then confirmed, returned or failed",
            "outcome",
        )
        self.messages_sent = messages.labels("sent")
        self.messages_confirmed = messages.labels("confirmed")
        self.messages_returned = messages.labels("returned")
        self.messages_failed = messages.labels("failed")
        self.publish_retries = make.counter(
            "qck_click_publish_retries",
            "Times that everything since the last confirm was to be sent again",
        )
