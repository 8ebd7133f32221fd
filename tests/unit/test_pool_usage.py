"""How busy a pool is, by an injected clock."""

from prometheus_client import CollectorRegistry

from shared.metrics import ShortenerMetrics
from shared.pool_usage import PoolUsage
from tests.support.clock import FakeClock


def test_busy_time_is_that_of_all_connections_together() -> None:
    """Two connections in use for ten seconds are twenty; what is still in use counts up to now."""
    clock = FakeClock()
    usage = PoolUsage(4, clock)
    usage.note_in_use(2)
    clock.advance(10)
    usage.note_in_use(0)
    clock.advance(10)
    assert usage.busy_s == 20
    usage.note_in_use(1)
    clock.advance(5)
    assert usage.busy_s == 25


def test_waiting_ends_with_the_wait() -> None:
    """A caller counts while it waits, however that ends."""
    usage = PoolUsage(1)
    with usage.one_waits(), usage.one_waits():
        assert usage.waiting == 2
    assert usage.waiting == 0


def test_details_for_people() -> None:
    """A health check shows size, use, callers who wait and the utilisation."""
    usage = PoolUsage(3)
    usage.note_in_use(2)
    assert usage.details() == {"pool": {"size": 3, "in_use": 2, "waiting": 0, "utilisation": 0.67}}


def test_scraped_as_it_is_at_the_moment() -> None:
    """Metrics of a pool need no call when it changes."""
    registry = CollectorRegistry()
    clock = FakeClock()
    usage = PoolUsage(4, clock)
    ShortenerMetrics(registry).pools.watch("postgres", usage)
    usage.note_in_use(3)
    clock.advance(2)

    def value(name: str) -> float | None:
        return registry.get_sample_value(name, {"pool": "postgres"})

    assert value("qck_pool_size_connections") == 4
    assert value("qck_pool_in_use_connections") == 3
    assert value("qck_pool_waiting") == 0
    assert value("qck_pool_busy_seconds_total") == 6
