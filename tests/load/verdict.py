"""The verdict: each target of the sizing document beside what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from tests.bench.redirector_metrics import RedirectorCounts, percentile_s, share_within
from tests.load.plan import ClientSide
from tests.load.service_side import Look

MIN_RATE_SHARE = 0.95
MAX_ERROR_SHARE = 0.001
MAX_REDIRECT_P95_MS = 50.0
MAX_CREATE_P95_MS = 100.0
MIN_HIT_RATIO = 0.95
MAX_REDIS_S, MAX_DATABASE_S = 0.001, 0.02
MAX_UTILISATION = 0.8
LOOKUP_SHARE = 0.95
SOAK_GROWTH = 0.1
SOAK_CONNECTIONS = 2


@dataclass(frozen=True, slots=True)
class Goal:
    """One target; `is_met` is None where nobody could measure it."""

    name: str
    figure: str
    must: str
    is_met: bool | None
    room: str = ""
    """How far below or above the limit it stayed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Both sides of a run."""

    planned: float
    client: ClientSide
    services: RedirectorCounts | None
    looks: Sequence[Look]
    counted: int | None
    """Clicks that the API has of the run's links when it is over; None when it does not tell."""
    is_soak: bool = False


def judge(run: Measured) -> list[Goal]:
    """Return every target with its verdict."""
    client = run.client
    latencies = [
        _milliseconds("redirect p95", client.redirect_ms.get("p95"), MAX_REDIRECT_P95_MS),
        _milliseconds("create p95", client.create_ms.get("p95"), MAX_CREATE_P95_MS),
    ]
    goals = [
        _at_least("requests of those planned", client.requests / run.planned, MIN_RATE_SHARE),
        _at_most("failed requests", client.failed / max(1, client.requests), MAX_ERROR_SHARE),
        # At five times the document's rate locust's own share of the machine is in them.
        *([] if run.is_soak else latencies),
        *_service_goals(run.services),
        _utilisation(run.looks),
        _clicks(run),
    ]
    return goals + (_soak(run.looks) if run.is_soak else [])


def missed(goals: Sequence[Goal]) -> list[str]:
    """Return the names of the targets that were missed."""
    return [goal.name for goal in goals if goal.is_met is False]


def _service_goals(services: RedirectorCounts | None) -> list[Goal]:
    names = ("cache hit ratio", "Redis lookups p95", "database lookups p95")
    if services is None:
        return [Goal(name, "not measured", "", None) for name in names]
    looked_up = sum(services.lookups.values())
    known = services.lookups.get("hit", 0) + services.lookups.get("negative", 0)
    ratio = _at_least(names[0], known / looked_up if looked_up else 0.0, MIN_HIT_RATIO)
    others = ", ".join(
        f"{count:,.0f} {outcome}"
        for outcome, count in services.lookups.items()
        if count and outcome not in ("hit", "negative")
    )
    return [
        replace(ratio, figure=f"{ratio.figure}; {others or 'no miss'}"),
        _lookups(names[1], services, "redis", MAX_REDIS_S, is_needed=True),
        _lookups(names[2], services, "postgres", MAX_DATABASE_S, is_needed=False),
    ]


def _lookups(
    name: str, services: RedirectorCounts, store: str, bound_s: float, *, is_needed: bool
) -> Goal:
    buckets = services.buckets(store)
    must = f"< {bound_s * 1000:g} ms"
    if not buckets or not buckets[-1][1]:
        return Goal(name, "none answered", must, not is_needed)
    p95_s = percentile_s(buckets, LOOKUP_SHARE)
    is_met = share_within(buckets, bound_s) >= LOOKUP_SHARE
    return Goal(name, f"{p95_s * 1000:.2f} ms", must, is_met, _room(p95_s, bound_s))


def _utilisation(looks: Sequence[Look]) -> Goal:
    name, must = "pool utilisation", f"< {MAX_UTILISATION:.0%} in 95 of 100 looks"
    seen = sorted(look.utilisation for look in looks if look.utilisation is not None)
    if not seen:
        return Goal(name, "not measured", must, None)
    p95 = seen[min(len(seen) - 1, int(len(seen) * 0.95))]
    return Goal(name, f"{p95:.0%}", must, p95 < MAX_UTILISATION, _room(p95, MAX_UTILISATION))


def _clicks(run: Measured) -> Goal:
    """A failed visit may have been recorded although nobody got the answer."""
    name, must = "clicks counted of those answered", "all, each once"
    if run.counted is None:
        return Goal(name, "not measured", must, None)
    missing = run.client.redirects - run.counted
    figure = f"{run.counted:,} of {run.client.redirects:,}"
    return Goal(name, figure, must, -run.client.failed <= missing <= 0)


def _soak(looks: Sequence[Look]) -> list[Goal]:
    """Compare the last quarter with the second one: the first is for warming up."""
    quarter = len(looks) // 4
    early, late = looks[quarter : 2 * quarter], looks[3 * quarter :]
    goals = []
    for name in ("redis_connections", "database_connections"):
        before, after = ([getattr(look, name) or 0 for look in part] for part in (early, late))
        title = f"{name.replace('_', ' ')}, late beside early"
        must = f"at most {SOAK_CONNECTIONS} more"
        if not quarter or not any(before):
            goals.append(Goal(title, "not measured", must, None))
            continue
        is_met = max(after) - max(before) <= SOAK_CONNECTIONS
        goals.append(Goal(title, f"{max(before)} → {max(after)}", must, is_met))
    for process in sorted({name for look in looks for name in look.memory_bytes}):
        before, after = (
            [look.memory_bytes[process] for look in part if process in look.memory_bytes]
            for part in (early, late)
        )
        if before and after:
            growth = median(after) / median(before) - 1
            goals.append(_at_most(f"growth of memory, {process}", growth, SOAK_GROWTH))
    return goals


def _milliseconds(name: str, figure: float | None, limit: float) -> Goal:
    must = f"< {limit:g} ms"
    if figure is None:
        return Goal(name, "none answered", must, False)
    return Goal(name, f"{figure:.1f} ms", must, figure < limit, _room(figure, limit))


def _at_least(name: str, figure: float, limit: float) -> Goal:
    return Goal(name, f"{figure:.2%}", f"≥ {limit:.0%}", figure >= limit)


def _at_most(name: str, figure: float, limit: float) -> Goal:
    return Goal(name, f"{figure:.2%}", f"≤ {limit:.2%}", figure <= limit)


def _room(figure: float, limit: float) -> str:
    return f"{limit / figure:.1f} ×" if 0 < figure < limit else ""
