"""Changes on their way to the cache: who waits for a Redis that hangs, and for how long."""

import asyncio
from collections.abc import Iterable

import pytest
from prometheus_client import CollectorRegistry

from shared.db.engine import create_engine
from shared.link import Link
from shared.link_cache import LinkCache, LinkKey
from shared.metrics import ShortenerMetrics
from shared.settings import Secret
from shortener import link_outbox
from shortener.link_outbox import MIN_AGE_S, WRITE_THROUGH_TIMEOUT_S, LinkOutbox, OutboxEntry
from shortener.outbox_relay import INTERVAL_S
from tests.support.links import a_link

SEEN_WITHIN_S = 1.0


class FrozenCache(LinkCache):
    """A Redis that takes connections and answers nothing."""

    def __init__(self) -> None:
        self.asked = 0

    async def set_if_newer(self, entries: Iterable[tuple[LinkKey, Link]]) -> int:
        """Be asked, for ever."""
        self.asked += 1
        await asyncio.Event().wait()
        raise AssertionError


async def test_a_frozen_redis_costs_only_the_first_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """While Redis hangs, requests leave it to the relay and do not wait for it in turn."""
    monkeypatch.setattr(link_outbox, "WRITE_THROUGH_TIMEOUT_S", 0.01)
    cache = FrozenCache()
    nobody = Secret("postgresql://nobody@127.0.0.1:1/none")
    engine = create_engine(nobody, application_name="tests", pool_size=1, statement_timeout_s=1)
    outbox = LinkOutbox(
        engine=engine,
        cache=cache,
        cache_calls=asyncio.Semaphore(1),
        metrics=ShortenerMetrics(CollectorRegistry()),
    )
    for number in range(10):
        await outbox.apply((OutboxEntry(number, ("", "x"), number), a_link()))
    await engine.dispose()
    assert cache.asked == 1


def test_what_its_request_could_not_bring_is_brought_within_a_second() -> None:
    """Old enough, found at the next look, and brought before that attempt is given up."""
    assert MIN_AGE_S + INTERVAL_S + WRITE_THROUGH_TIMEOUT_S < SEEN_WITHIN_S


def test_a_redis_that_is_back_has_everything_within_a_second() -> None:
    """An attempt that still fails, the wait after it, and one that does not."""
    assert 2 * WRITE_THROUGH_TIMEOUT_S + INTERVAL_S < SEEN_WITHIN_S
