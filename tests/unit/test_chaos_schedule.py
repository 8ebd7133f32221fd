"""The schedule of chaos runs: repeatable, complete, and nothing that nobody could survive."""

from collections import Counter
from itertools import pairwise

import pytest

from tests.resilience.chaos.fault import SPOOL_DISK, Action
from tests.resilience.chaos.schedule import (
    ACTIONS,
    CALM_S,
    LASTS_S,
    NEVER_TOGETHER,
    create_schedule,
)

SEEDS = range(50)


def test_the_same_seed_makes_the_same_schedule() -> None:
    """A run can be repeated by its seed, and another seed makes another run."""
    assert create_schedule(7, 600) == create_schedule(7, 600)
    assert create_schedule(7, 600) != create_schedule(8, 600)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_component_is_hit_at_least_twice(seed: int) -> None:
    """Ten minutes are enough for two faults of every component, whatever the seed."""
    faults = [fault for hits in create_schedule(seed, 600) for fault in hits]
    hits = Counter(fault.component for fault in faults)
    assert set(hits) == set(ACTIONS)
    assert min(hits.values()) >= 2


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_hit_together_that_must_not_be(seed: int) -> None:
    """Two at once are different components, and never those without which nobody can answer."""
    pairs = [{fault.component for fault in hits} for hits in create_schedule(seed, 600)]
    assert all(len(hits) in (1, 2) for hits in create_schedule(seed, 600))
    assert any(len(pair) == 2 for pair in pairs)
    assert not any(pair in NEVER_TOGETHER for pair in pairs)


@pytest.mark.parametrize("seed", SEEDS)
def test_rounds_are_parted_by_calm(seed: int) -> None:
    """Between the end of one round's faults and the next round's begin nothing is hurt."""
    for hits, later in pairwise(create_schedule(seed, 600)):
        over_s = max(fault.starts_s + fault.lasts_s for fault in hits)
        assert min(fault.starts_s for fault in later) - over_s > CALM_S[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_faults_fit_their_components_and_the_time(seed: int) -> None:
    """Each action is one of its component's, lasts as long as such do, and ends in time."""
    for fault in (fault for hits in create_schedule(seed, 300) for fault in hits):
        assert fault.action in ACTIONS[fault.component]
        shortest, longest = LASTS_S.get(fault.action, (0, 0))
        assert shortest <= fault.lasts_s <= longest
        assert fault.starts_s + fault.lasts_s < 300


def test_actions_of_a_component_take_turns() -> None:
    """In a long run every component meets every action that it has."""
    met = {(fault.component, fault.action) for hits in create_schedule(1, 3600) for fault in hits}
    assert met == {(name, action) for name, actions in ACTIONS.items() for action in actions}


def test_components_can_be_left_out() -> None:
    """Where the spools' disk cannot be filled, no fault asks for that."""
    without = [name for name in ACTIONS if name != SPOOL_DISK]
    faults = [fault for hits in create_schedule(3, 600, without) for fault in hits]
    assert all(fault.action is not Action.FILL for fault in faults)


def test_a_run_too_short_for_a_fault_has_none() -> None:
    """A few seconds are no time to hurt anything and let it recover."""
    assert create_schedule(1, 3) == []
