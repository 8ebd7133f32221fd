"""When held messages are due, and which of them make one batch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from click_ingest.batcher import Batcher
from tests.support.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    """A clock moved by hand."""
    return FakeClock()


@pytest.fixture
def batcher(clock: FakeClock) -> Batcher[str]:
    """A batcher of ten clicks, four messages or a quarter of a second."""
    return Batcher(max_clicks=10, max_messages=4, max_age_s=0.25, clock=clock)


def test_nothing_held_is_never_due(batcher: Batcher[str], clock: FakeClock) -> None:
    """Without messages there is nothing to wait for and nothing to take."""
    clock.advance(60)
    assert batcher.due_in_s() is None
    assert batcher.take() == []


def test_the_first_message_sets_the_time(batcher: Batcher[str], clock: FakeClock) -> None:
    """A batch is due when its first message is old enough, however new the last one is."""
    batcher.add("a", 1)
    clock.advance(0.2)
    batcher.add("b", 1)
    assert batcher.due_in_s() == pytest.approx(0.05)
    clock.advance(0.1)
    assert batcher.due_in_s() == 0
    assert batcher.take() == ["a", "b"]
    assert batcher.due_in_s() is None


def test_enough_clicks_are_due_at_once(batcher: Batcher[str]) -> None:
    """The limit of clicks does not wait for the time."""
    batcher.add("a", 9)
    assert batcher.due_in_s() == pytest.approx(0.25)
    batcher.add("b", 1)
    assert batcher.due_in_s() == 0


def test_enough_messages_are_due_at_once(batcher: Batcher[str]) -> None:
    """Small messages that fill the prefetch do not wait for more, which could not come."""
    for name in "abcd":
        batcher.add(name, 1)
    assert batcher.due_in_s() == 0
    assert batcher.take() == ["a", "b", "c", "d"]


def test_what_is_above_a_batch_stays_with_its_own_age(
    batcher: Batcher[str], clock: FakeClock
) -> None:
    """Messages beyond the first full batch stay held and keep the time of their arrival."""
    batcher.add("a", 10)
    clock.advance(0.1)
    batcher.add("b", 5)
    assert batcher.take() == ["a"]
    assert batcher.due_in_s() == pytest.approx(0.25)
    clock.advance(0.25)
    assert batcher.take() == ["b"]


def test_a_message_above_the_limit_is_one_batch(batcher: Batcher[str]) -> None:
    """A message is never split, whatever its size."""
    batcher.add("big", 1000)
    batcher.add("next", 1)
    assert batcher.take() == ["big"]
    assert batcher.take() == ["next"]


def test_empty_messages_are_acknowledged_in_time_too(
    batcher: Batcher[str], clock: FakeClock
) -> None:
    """A message without clicks waits like any other and is taken."""
    batcher.add("mark", 0)
    clock.advance(0.25)
    assert batcher.due_in_s() == 0
    assert batcher.take() == ["mark"]


@given(st.lists(st.integers(0, 25), max_size=40))
def test_every_message_is_taken_once_in_order(sizes: list[int]) -> None:
    """Whatever comes goes out, in its order, in batches that keep the limits."""
    batcher: Batcher[int] = Batcher(
        max_clicks=10, max_messages=4, max_age_s=0.25, clock=FakeClock()
    )
    for number, size in enumerate(sizes):
        batcher.add(number, size)
    taken: list[int] = []
    while batch := batcher.take():
        assert len(batch) <= 4
        assert sum(sizes[number] for number in batch[:-1]) < 10
        taken += batch
    assert taken == list(range(len(sizes)))
