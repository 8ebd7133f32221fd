"""The planner: load, Little's law, storage, and the sizing document beside it."""

import msgspec
import pytest

from capacity.__main__ import ROOT
from capacity.bottlenecks import (
    MAX_CONNECTIONS,
    MAXCLIENTS,
    REDIS_MAXMEMORY_BYTES,
    bottlenecks,
)
from capacity.demand import Demand
from capacity.plan import make_plan
from capacity.profiles import DEMANDS
from capacity.roadmap import STAGES, compare, contradictions
from capacity.storage import plan_storage
from shared.pool_budget import ReplicaSettings, database_share, redis_share

SIZES = [10_000, 1_000_000, 5_000_000, 10_000_000, 1_000_000_000]


def test_the_document_s_rates_come_out() -> None:
    """A million a day is about 12 a second, 100 at the peak and 200 in a burst, as it says."""
    plan = make_plan(Demand(clicks_per_day=1_000_000))
    assert plan.average_per_s == pytest.approx(12, abs=0.5)
    assert plan.peak_per_s == pytest.approx(100, rel=0.1)
    assert plan.burst_per_s == pytest.approx(200, rel=0.1)


@pytest.mark.parametrize("clicks_per_day", SIZES)
def test_budgets_cover_what_is_busy_with_the_margin(clicks_per_day: int) -> None:
    """Shares are those that processes will take, and pools stay below the target at the peak."""
    plan = make_plan(Demand(clicks_per_day=clicks_per_day))
    for pool, share in ((plan.database, database_share), (plan.redis, redis_share)):
        taken = {
            name: share(name, pool.budget, plan.max_replicas)
            for name in plan.replicas.by_service()
        }
        assert {name: each for name, each in taken.items() if each} == pool.shares
    working = max(1, plan.replicas.redirector - 1)
    busy = plan.database.busy["redirector, Redis away"] / working
    # One connection of a share is set apart for links with a limit of visits.
    assert busy <= 0.8 * (plan.database.shares["redirector"] - 1)
    assert plan.servers.max_connections > plan.database.budget


@pytest.mark.parametrize("clicks_per_day", SIZES)
def test_one_redirector_may_be_lost_at_the_peak(clicks_per_day: int) -> None:
    """The others carry the peak and stay below the target."""
    plan = make_plan(Demand(clicks_per_day=clicks_per_day))
    assert plan.replicas.redirector >= 2
    assert plan.components["redirector"].cores / (plan.replicas.redirector - 1) <= 0.8


@pytest.mark.parametrize("clicks_per_day", [1, *SIZES, 10**12])
@pytest.mark.parametrize("hosts", [1, 2])
def test_nothing_is_promised_more_than_it_may_have(clicks_per_day: int, hosts: int) -> None:
    """No request of a component is above its limit, which Kubernetes refuses."""
    for name, each in make_plan(
        Demand(clicks_per_day=clicks_per_day, hosts=hosts)
    ).components.items():
        assert each.cpu_request_m <= each.cpu_limit_m, name
        assert each.memory_request_bytes <= each.memory_limit_bytes, name


def test_replicas_share_the_clicks_that_memory_is_reckoned_by() -> None:
    """A thousand times the clicks, on as many more processes, make none of them much larger."""
    for name in ("redirector", "shortener", "click-ingest"):
        few, many = (make_plan(Demand(clicks_per_day=n)).components[name] for n in (10**9, 10**12))
        assert many.memory_bytes / many.processes <= 4 * few.memory_bytes / few.processes


@pytest.mark.parametrize(
    "demand",
    [
        Demand(clicks_per_day=1, new_links=0, hit_ratio=1, outage_hours=0),
        Demand(clicks_per_day=1, new_links=0, hit_ratio=0),
    ],
)
def test_no_limit_of_a_server_is_nothing(demand: Demand) -> None:
    """To Redis a maxmemory of 0 is no limit, and a queue that holds nothing loses what comes."""
    servers = make_plan(demand).servers
    assert servers.redis_maxmemory_bytes > 0
    assert servers.queue_max_bytes > 0


def test_a_billion_a_day_needs_more_redirectors() -> None:
    """Replicas follow from processor time, not from a table."""
    few, many = (make_plan(Demand(clicks_per_day=n)).replicas for n in (1_000_000, 10**9))
    assert few == ReplicaSettings()
    assert many.redirector > 4


def test_replicas_may_be_added_only_where_there_are_several_hosts() -> None:
    """One machine has a fixed number of processes; from 5M on, budgets allow for twice as many."""
    one, many = (make_plan(Demand(clicks_per_day=5_000_000, hosts=n)) for n in (1, 2))
    assert one.max_replicas == one.replicas
    assert many.max_replicas.redirector == 2 * many.replicas.redirector
    assert many.database.budget > one.database.budget


def test_cached_links_follow_from_misses_and_creates() -> None:
    """By Little's law: what comes in within a TTL, which is a day."""
    storage = plan_storage(Demand(clicks_per_day=1_000_000, hit_ratio=0.9, new_links=0.02))
    assert storage.cached_links == 120_000


def test_retention_bounds_clicks_and_not_their_counts() -> None:
    """All else grows for the whole year that disk is told for, however few clicks stay."""
    year, half, day = (plan_storage(Demand(retention_days=days)) for days in (0, 180, 1))
    others = 365 * (
        year.links_bytes_per_day + year.counts_bytes_per_day + year.statistics_bytes_per_day
    )
    for plan, clicks_days in ((year, 365), (half, 180), (day, 1)):
        clicks = clicks_days * year.clicks_bytes_per_day
        assert plan.postgres_bytes == pytest.approx(clicks + others)
        assert plan.wal_bytes_per_day == year.wal_bytes_per_day
        assert plan.cached_links == year.cached_links


def test_a_longer_retention_is_planned_to_its_end() -> None:
    """Two years of clicks are not told as one."""
    one, two = (plan_storage(Demand(retention_days=days)) for days in (365, 730))
    assert two.planned_days == 730
    assert two.postgres_bytes == pytest.approx(2 * one.postgres_bytes)


def test_an_outage_has_no_more_clicks_than_its_days() -> None:
    """Eight hours at eight times the average would be more than a day has."""
    assert Demand(outage_hours=1).outage_clicks == pytest.approx(1_000_000 / 3)
    assert Demand(outage_hours=8).outage_clicks == 1_000_000
    assert Demand(outage_hours=48).outage_clicks == 2_000_000


def test_a_spool_holds_the_outage_alone() -> None:
    """With one of two redirectors lost, the other one's spool has room for all of it."""
    plan = make_plan(Demand(clicks_per_day=50_000_000, hosts=1))
    assert plan.spool_max_bytes >= plan.storage.spool_bytes / 0.8
    assert plan.spool_volume_bytes > plan.spool_max_bytes


def test_retention_is_set_only_where_it_was_asked_for() -> None:
    """No profile makes a site forget clicks that its owner did not want to lose."""
    assert "CLICK_RETENTION_DAYS" not in make_plan(Demand()).settings()
    assert make_plan(Demand(retention_days=90)).settings()["CLICK_RETENTION_DAYS"] == "90"


def test_the_document_s_contradictions_are_named() -> None:
    """Both sums that exceed the document's own limits, and what fits instead."""
    text = "\n".join(contradictions(make_plan(Demand())))
    assert "2 instances x 300 database connections = 600" in text
    assert "at most 198 in each" in text
    assert "2 instances x 150 Redis connections = 300" in text
    assert "at most 100 in each" in text


def test_the_roadmap_has_every_stage_of_the_document() -> None:
    """Each is planned with all but the clicks as asked for."""
    stages = compare(Demand(clicks_per_day=3_000_000, peak_factor=4))
    assert [each.document for each in stages] == list(STAGES)
    assert {each.plan.demand.peak_factor for each in stages} == {4}


@pytest.mark.parametrize("profile", DEMANDS.values(), ids=DEMANDS)
def test_nothing_stands_in_the_way_of_a_profile(profile: Demand) -> None:
    """What is shipped is enough for each of them."""
    assert bottlenecks(make_plan(profile)) == []


def test_what_stands_in_the_way_is_named() -> None:
    """Too few processes on one host, more than one Redis can answer, each limit of a server."""
    found = bottlenecks(make_plan(Demand(clicks_per_day=10**9, hosts=1)))
    for text, name in zip(
        found,
        ("HOSTS=2", "one processor", "max_connections", "maxmemory", "max-length-bytes"),
        strict=True,
    ):
        assert name in text
    spread = bottlenecks(make_plan(Demand(clicks_per_day=10**9, hosts=2)))
    assert any("maxclients" in text for text in spread)


def test_limits_that_stand_in_the_way_are_those_that_are_configured() -> None:
    """docker-compose.yml has what a plan is compared with."""
    text = (ROOT / "docker-compose.yml").read_text()
    assert f"max_connections={MAX_CONNECTIONS}]" in text
    assert f"maxclients {MAXCLIENTS}\n" in text
    assert f"maxmemory {REDIS_MAXMEMORY_BYTES // 2**20}mb\n" in text


def test_a_plan_is_json() -> None:
    """Machines read what people see."""
    plan = make_plan(Demand())
    assert msgspec.json.decode(msgspec.json.encode(plan))["database"]["budget"] == 20
