"""What is done with a batch when things fail."""

import math
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from click_ingest.flush import HOLD_LIMIT_S, Flusher, HeldTooLongError
from click_ingest.poison_guard import PoisonGuard, PoisonLimitExceededError
from shared.click_event import encode_line
from shared.metrics import IngestMetrics
from tests.support.clicks import Delivered, a_click, a_message
from tests.support.clock import FakeClock
from tests.support.ingest_fakes import FakePublisher, FakeSleep, FakeWriter

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


class Flushing:
    """A flusher with everything around it in sight."""

    def __init__(self, *, share_limit: float = 1.0) -> None:
        self.registry = CollectorRegistry()
        self.clock = FakeClock()
        self.sleep = FakeSleep(self.clock)
        self.writer = FakeWriter()
        self.publisher = FakePublisher()
        self.flusher = Flusher(
            writer=self.writer,
            dead_letters=self.publisher,
            guard=PoisonGuard(share_limit=share_limit, window_clicks=1000),
            metrics=IngestMetrics(self.registry),
            clock=self.clock,
            now=lambda: NOW,
            sleep=self.sleep,
        )

    async def flush(self, *messages: Delivered) -> None:
        """Flush these messages."""
        await self.flusher.flush(messages)

    def count(self, name: str, **labels: str) -> float:
        """Read a metric."""
        return self.registry.get_sample_value(name, labels) or 0.0


@pytest.fixture
def flushing() -> Flushing:
    """A flusher that nothing stops."""
    return Flushing()


async def test_a_batch_is_stored_and_counted(flushing: Flushing) -> None:
    """Messages, clicks and the age of the oldest one show in the metrics."""
    clicks = [a_click(clicked_at=NOW - timedelta(seconds=age)) for age in (1, 20, 3)]
    await flushing.flush(a_message(clicks[:1]), a_message(clicks[1:]))
    assert set(flushing.writer.stored) == {click.id for click in clicks}
    assert flushing.count("qck_ingest_messages_total") == 2
    assert flushing.count("qck_clicks_received_total") == 3
    assert flushing.count("qck_clicks_stored_total") == 3
    assert flushing.count("qck_click_lag_seconds_sum") == pytest.approx(20)
    assert flushing.count("qck_click_flush_failures_total") == 0


async def test_repeats_are_told_from_new_clicks(flushing: Flushing) -> None:
    """A message that comes again counts as repeated and not as stored."""
    message = a_message([a_click(), a_click()])
    await flushing.flush(message)
    await flushing.flush(message)
    assert flushing.count("qck_clicks_stored_total") == 2
    assert flushing.count("qck_clicks_repeated_total") == 2


@pytest.mark.parametrize(
    "failure",
    [
        asyncpg.DeadlockDetectedError(),
        asyncpg.ConnectionDoesNotExistError(),
        ConnectionRefusedError(),
        TimeoutError(),
        KeyError("bug"),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_a_failure_is_tried_again(flushing: Flushing, failure: Exception) -> None:
    """Whatever hits a write without being the data's fault costs time and nothing else."""
    flushing.writer.failures = [failure] * 3
    await flushing.flush(a_message([a_click()]))
    assert len(flushing.writer.stored) == 1
    assert flushing.sleep.slept_s == [0.1, 0.2, 0.4]
    assert flushing.count("qck_click_flush_failures_total") == 3
    assert not flushing.publisher.published


async def test_a_long_absence_hands_the_messages_back(flushing: Flushing) -> None:
    """The batch is given up before the broker's own patience ends, without any dead letter."""
    flushing.writer.failures = [ConnectionRefusedError()] * 10_000
    started = flushing.clock()
    with pytest.raises(HeldTooLongError, match="clicks are not stored: ConnectionRefusedError"):
        await flushing.flush(a_message([a_click()]))
    assert HOLD_LIMIT_S - 5 <= flushing.clock() - started <= HOLD_LIMIT_S
    assert max(flushing.sleep.slept_s) == 5
    assert not flushing.writer.stored
    assert not flushing.publisher.published


async def test_one_refused_click_of_many_is_found(flushing: Flushing) -> None:
    """The batch is halved until the click stands alone, in few steps; all others are stored."""
    bad = a_click(short_code="bad")
    clicks = [a_click() for _ in range(999)]
    clicks.insert(700, bad)
    flushing.writer.is_refused = lambda click: click.short_code == "bad"
    await flushing.flush(a_message(clicks))
    assert len(flushing.writer.stored) == 999
    (letter,) = flushing.publisher.published
    assert letter.body == encode_line(bad)
    assert letter.fault == "no_partition"
    assert flushing.writer.attempts == 2
    assert flushing.count("qck_clicks_dead_lettered_total", reason="no_partition") == 1
    assert flushing.count("qck_click_flush_failures_total") == 0


async def test_all_refused_clicks_are_found(flushing: Flushing) -> None:
    """Several bad ones, and nothing but bad ones, come to the same end."""
    flushing.writer.is_refused = lambda click: click.short_code == "bad"
    bad = [a_click(short_code="bad") for _ in range(5)]
    await flushing.flush(a_message([bad[0], a_click(), *bad[1:3], a_click(), bad[3]]))
    await flushing.flush(a_message(bad[4:]))
    assert len(flushing.writer.stored) == 2
    assert {letter.body for letter in flushing.publisher.published} == set(map(encode_line, bad))


async def test_a_refusal_that_cannot_be_found_is_a_failure(flushing: Flushing) -> None:
    """If every half is accepted the whole is tried again, not set aside."""
    flushing.writer.failures = [asyncpg.CheckViolationError()] * 2
    await flushing.flush(a_message([a_click(), a_click()]))
    assert len(flushing.writer.stored) == 2
    assert not flushing.publisher.published
    assert flushing.count("qck_click_flush_failures_total") == 2


async def test_poison_is_published_after_the_rest_is_stored(flushing: Flushing) -> None:
    """While the database is away nothing is set aside, so nothing is set aside twice for it."""
    flushing.writer.failures = [ConnectionRefusedError()] * 10_000
    with pytest.raises(HeldTooLongError):
        await flushing.flush(a_message(body=b"poison\n" + encode_line(a_click())))
    assert not flushing.publisher.published


async def test_a_letter_that_was_not_confirmed_is_published_again(flushing: Flushing) -> None:
    """The flush does not end before the broker has confirmed every letter."""
    flushing.publisher.failures = [TimeoutError(), ConnectionError()]
    await flushing.flush(a_message(body=b"poison\nmore poison\n"))
    assert [letter.body for letter in flushing.publisher.published] == [
        b"poison\n",
        b"more poison\n",
    ]
    assert flushing.count("qck_clicks_dead_lettered_total", reason="undecodable") == 2


async def test_a_broker_that_takes_no_letters_ends_in_handing_back(flushing: Flushing) -> None:
    """Letters that cannot be published keep their messages unacknowledged."""
    flushing.publisher.failures = [TimeoutError()] * 10_000
    with pytest.raises(HeldTooLongError, match="dead letters are not taken: TimeoutError"):
        await flushing.flush(a_message(body=b"poison\n"))
    assert flushing.count("qck_clicks_received_total") == 0


async def test_too_much_poison_touches_nothing() -> None:
    """Above the limit neither the good clicks are stored nor the bad ones set aside."""
    flushing = Flushing(share_limit=0.1)
    with pytest.raises(PoisonLimitExceededError):
        await flushing.flush(a_message(body=b"poison\n" * 101 + encode_line(a_click())))
    assert not flushing.writer.stored
    assert not flushing.publisher.published


async def test_refused_clicks_count_as_poison() -> None:
    """What PostgreSQL refuses in masses stops the worker too, before anything is set aside."""
    flushing = Flushing(share_limit=0.1)
    flushing.writer.is_refused = lambda click: click.short_code == "bad"
    clicks = [a_click(short_code="bad") for _ in range(101)]
    with pytest.raises(PoisonLimitExceededError):
        await flushing.flush(a_message([*clicks, a_click()]))
    assert not flushing.writer.stored
    assert not flushing.publisher.published


async def test_poison_of_many_batches_adds_up() -> None:
    """The share is of the newest clicks, whichever batches they came in."""
    flushing = Flushing(share_limit=0.1)
    poison = a_message(body=b"poison\n" * 50)
    await flushing.flush(poison)
    await flushing.flush(poison)
    with pytest.raises(PoisonLimitExceededError):
        await flushing.flush(poison)
    assert len(flushing.publisher.published) == 100


async def test_an_empty_message_is_dealt_with(flushing: Flushing) -> None:
    """A mark without clicks reaches the ledger and counts as a message."""
    await flushing.flush(a_message([]))
    (batch,) = flushing.writer.batches
    assert len(batch.ledger_entries()) == 1
    assert flushing.count("qck_ingest_messages_total") == 1
    assert not math.isnan(flushing.count("qck_click_lag_seconds_sum"))
