"""The verdict of a load run names the targets that were missed, and no others."""

from typing import Any

import msgspec
import pytest

from shared.pool_usage import PoolUsage
from tests.bench.redirector_metrics import RedirectorCounts
from tests.load.plan import ClientSide
from tests.load.profiles import PROFILES
from tests.load.service_side import Counted, Look, pool_utilisations
from tests.load.verdict import Measured, judge, missed

GOOD = ClientSide(
    requests=12_000,
    failed=0,
    redirects=11_000,
    redirect_ms={"p50": 1, "p95": 3, "p99": 6, "max": 20},
    create_ms={"p50": 4, "p95": 9, "p99": 12, "max": 30},
    failures={},
    seconds=[],
)
FAST = {
    **{("redis", bound): count for bound, count in ((0.0005, 90.0), (0.001, 99.0), (1.0, 100.0))},
    **{("postgres", bound): count for bound, count in ((0.005, 9.0), (0.02, 10.0), (1.0, 10.0))},
}


def a_run(client: dict[str, Any] | None = None, **changes: Any) -> Measured:
    """Make a run that meets every target, with `changes`."""
    values: dict[str, Any] = {
        "planned": 12_000,
        "client": msgspec.structs.replace(GOOD, **(client or {})),
        "services": RedirectorCounts(1.0, {"hit": 97, "negative": 1, "miss": 2}, FAST),
        "looks": [Look(float(at), utilisation=0.2) for at in range(60)],
        "counted": 11_000,
    }
    return Measured(**{**values, **changes})


def test_a_good_run_meets_every_target() -> None:
    """Nothing is missed, nothing is unmeasured, and the room is told."""
    goals = judge(a_run())
    assert [goal.is_met for goal in goals] == [True] * len(goals)
    assert next(goal for goal in goals if goal.name == "redirect p95").room == "16.7 ×"


@pytest.mark.parametrize(
    ("run", "names"),
    [
        pytest.param(a_run({"redirect_ms": {"p95": 51.0}}), ["redirect p95"], id="slow-redirects"),
        pytest.param(a_run({"create_ms": {"p95": 101.0}}), ["create p95"], id="slow-creates"),
        pytest.param(a_run({"failed": 13}), ["failed requests"], id="errors"),
        pytest.param(a_run(planned=14_000), ["requests of those planned"], id="too-few"),
        pytest.param(a_run(counted=10_999), ["clicks counted of those answered"], id="lost"),
        pytest.param(a_run(counted=11_001), ["clicks counted of those answered"], id="doubled"),
        pytest.param(
            a_run(looks=[Look(float(at), utilisation=float(at % 10 == 0)) for at in range(60)]),
            ["pool utilisation"],
            id="pool",
        ),
        pytest.param(
            a_run(services=RedirectorCounts(1.0, {"hit": 94, "miss": 6}, FAST)),
            ["cache hit ratio"],
            id="misses",
        ),
        pytest.param(
            a_run(services=RedirectorCounts(1.0, {"error": 3, "skipped": 97}, {})),
            ["cache hit ratio", "Redis lookups p95"],
            id="no-redis",
        ),
        pytest.param(
            a_run(
                services=RedirectorCounts(
                    1.0, {"hit": 1}, FAST | {("postgres", 0.02): 9.0, ("redis", 0.001): 94.0}
                )
            ),
            ["Redis lookups p95", "database lookups p95"],
            id="slow-stores",
        ),
    ],
)
def test_what_is_missed_is_named(run: Measured, names: list[str]) -> None:
    """Each fault misses its own targets."""
    assert missed(judge(run)) == names


def test_an_unanswered_visit_may_have_been_counted() -> None:
    """Its click is recorded before the answer is sent; that is none too many."""
    assert missed(judge(a_run({"failed": 5}, counted=11_005))) == []


def test_an_api_that_does_not_count_leaves_the_other_targets() -> None:
    """Its clicks are not measured, and nothing else is missed for it."""
    goals = judge(a_run(counted=None))
    assert [goal.name for goal in goals if goal.is_met is None] == [
        "clicks counted of those answered"
    ]
    assert missed(goals) == []


def test_a_restarted_redirector_has_counted_nothing_since() -> None:
    """Its counters began again, so what lies between two looks is nobody's to know."""
    before = Counted(RedirectorCounts(5.0, {"hit": 90}), frozenset({1.0, 2.0}))
    after = Counted(RedirectorCounts(6.0, {"hit": 95}), frozenset({1.0, 2.0}))
    restarted = Counted(RedirectorCounts(2.0, {"hit": 30}), frozenset({1.0, 9.0}))
    assert after.since(before) == RedirectorCounts(1.0, {"hit": 5})
    assert restarted.since(before) is None
    assert Counted(RedirectorCounts(), frozenset()).since(before) is None


def test_what_nobody_tells_is_not_measured() -> None:
    """A deployed stack whose processes are not known is judged by what visitors see."""
    goals = judge(a_run(services=None, looks=[]))
    assert {goal.name for goal in goals if goal.is_met is None} == {
        "cache hit ratio", "Redis lookups p95", "database lookups p95", "pool utilisation",
    }  # fmt: skip
    assert missed(goals) == []


@pytest.mark.parametrize(
    ("grows", "names"),
    [
        pytest.param("", [], id="flat"),
        pytest.param("memory", ["growth of memory, 10.0.0.1:8000"], id="memory"),
        pytest.param("redis", ["redis connections, late beside early"], id="redis"),
        pytest.param("database", ["database connections, late beside early"], id="database"),
    ],
)
def test_a_soak_must_stay_flat(grows: str, names: list[str]) -> None:
    """Connections and memory of the last quarter are compared with those of the second."""
    looks = [
        Look(
            float(at),
            utilisation=0.1,
            memory_bytes={"10.0.0.1:8000": 1e8 + (at * 1e6 if grows == "memory" else 0)},
            redis_connections=5 + (at // 10 if grows == "redis" else at % 2),
            database_connections=9 + (at // 10 if grows == "database" else at % 2),
        )
        for at in range(80)
    ]
    assert missed(judge(a_run(looks=looks, is_soak=True))) == names


def test_only_pools_of_connections_are_pools() -> None:
    """A spool that is nearly full while RabbitMQ is away keeps nobody waiting for a connection."""
    ready = {
        "checks": {
            "postgres": {"status": "ok", "pool": PoolUsage(size=8).details()["pool"]},
            "redis": {"status": "ok", "pool": {"size": 4, "utilisation": 0.75}},
            "rabbitmq": {"status": "failed"},
            "spool": {"status": "ok", "utilisation": 0.9},
        }
    }
    assert list(pool_utilisations(ready)) == [0.0, 0.75]


def test_the_day_is_the_sizing_documents() -> None:
    """A million clicks a day: 12 a second on average, 100 at the peak."""
    day = PROFILES["day"]
    assert day.planned(86_400) == pytest.approx(1_000_000, rel=0.1)
    assert day.peak == pytest.approx(100, rel=0.01)
    assert PROFILES["burst"].planned(10) == pytest.approx(2000)
