"""Which fault hits which component when: drawn from a seed, and the same for the same seed.

Components are dealt like cards: all of them once in random order, then all of them again, so that
none is hit a third time before every other was hit twice. A component's actions take turns too.
Sometimes two components are hit at once; between the rounds everything is calm.
"""

import random
from collections.abc import Iterator, Sequence

from tests.resilience.chaos.fault import SPOOL_DISK, Action, Fault

Round = tuple[Fault, ...]

ACTIONS: dict[str, tuple[Action, ...]] = {
    "redirector-1": (Action.KILL, Action.FREEZE, Action.RESTART, Action.STOP),
    "redirector-2": (Action.KILL, Action.FREEZE, Action.RESTART, Action.STOP),
    "redis": (Action.KILL, Action.FREEZE, Action.RESTART, Action.STOP, Action.FLUSH),
    "rabbitmq": (
        Action.KILL, Action.FREEZE, Action.RESTART, Action.STOP,
        Action.MEMORY_ALARM, Action.DISK_ALARM,
    ),
    "postgres": (Action.KILL, Action.FREEZE, Action.RESTART, Action.STOP),
    "click-ingest": (Action.KILL, Action.FREEZE, Action.RESTART, Action.STOP),
    "shortener": (Action.KILL, Action.FREEZE, Action.RESTART, Action.STOP),
    # There is one nginx, and whoever kills the only door turns visitors away.
    "nginx": (Action.RELOAD,),
    SPOOL_DISK: (Action.FILL,),
}  # fmt: skip

LASTS_S: dict[Action, tuple[float, float]] = {
    Action.FREEZE: (2, 6),
    Action.STOP: (3, 12),
    Action.MEMORY_ALARM: (5, 12),
    Action.DISK_ALARM: (5, 12),
    Action.FILL: (2, 5),
}
"""Shortest and longest; the others are over at once."""

RECOVERS_S = {"rabbitmq": 10.0, "postgres": 4.0, "nginx": 1.0, SPOOL_DISK: 1.0}
USUALLY_RECOVERS_S = 3.0
CALM_S = (3.0, 7.0)
PAIR_SHARE = 0.3
PAIR_WITHIN_S = 2.0

NEVER_TOGETHER: tuple[frozenset[str], ...] = (
    # Somebody has to answer, and out of one of the stores.
    frozenset({"redirector-1", "redirector-2"}),
    frozenset({"redis", "postgres"}),
    # A killed process takes its count of what the full disk made it shed along.
    frozenset({SPOOL_DISK, "redirector-1"}),
    frozenset({SPOOL_DISK, "redirector-2"}),
)


def create_schedule(
    seed: int, duration_s: float, components: Sequence[str] = tuple(ACTIONS)
) -> list[Round]:
    """Draw the rounds that fit into `duration_s`, recovery and calm included."""
    # Not for secrets: the point is that it can be had again.
    dice = random.Random(seed)  # noqa: S311
    actions = {name: _endless(dice, ACTIONS[name]) for name in components}
    rounds: list[Round] = []
    starts_s = dice.uniform(*CALM_S)
    hand: list[str] = []
    while True:
        if not hand:
            hand = dice.sample(list(components), len(components))
        hit = _deal(dice, hand)
        faults = []
        for place, name in enumerate(hit):
            action = next(actions[name])
            lasts_s = round(dice.uniform(*LASTS_S[action]), 1) if action in LASTS_S else 0.0
            after_s = dice.uniform(0, PAIR_WITHIN_S) if place else 0.0
            faults.append(Fault(name, action, round(starts_s + after_s, 1), lasts_s))
        over_s = max(map(_over_s, faults))
        if over_s > duration_s:
            return rounds
        rounds.append(tuple(faults))
        starts_s = over_s + dice.uniform(*CALM_S)


def _endless(dice: random.Random, actions: Sequence[Action]) -> Iterator[Action]:
    """Yield all actions in random order, again and again."""
    while True:
        yield from dice.sample(list(actions), len(actions))


def _deal(dice: random.Random, hand: list[str]) -> list[str]:
    """Take the next component out of the hand, and sometimes one that may be hit with it."""
    hit = [hand.pop(0)]
    if dice.random() < PAIR_SHARE:
        fit = [name for name in hand if frozenset({hit[0], name}) not in NEVER_TOGETHER]
        if fit:
            hit.append(fit[0])
            hand.remove(fit[0])
    return hit


def _over_s(fault: Fault) -> float:
    return fault.starts_s + fault.lasts_s + RECOVERS_S.get(fault.component, USUALLY_RECOVERS_S)
