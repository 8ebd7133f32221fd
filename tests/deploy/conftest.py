"""One site for all tests of this folder, and visitors who keep coming meanwhile."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from statistics import quantiles

import pytest

from local_stack.ports import choose_ports
from tests.deploy.site import Site, a_site, left_behind, tell
from tests.support.crowd import visiting
from tests.support.verdict import judge
from tests.support.visit import Visit
from tests.support.visitors import Plan

PER_SECOND = 500
LINKS = 200
STEADY_VISITS = 2 * PER_SECOND
"""How many come before something is done, and after it."""

LASTS_S = 600.0

Watched = Callable[[str], AbstractAsyncContextManager[None]]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The containers, started as a newcomer starts them."""
    folder = tmp_path_factory.mktemp("deploy")
    with a_site(folder, choose_ports(["public", "api"], wanted={})) as started:
        yield started
    assert left_behind() == "", "docker compose down -v has left something"


@pytest.fixture(scope="session")
def codes(site: Site) -> list[str]:
    """Links that are visited."""
    return site.make_links(LINKS)


@pytest.fixture(scope="session")
def all_visits() -> list[Visit]:
    """Everybody who ever came, since the database keeps all their clicks."""
    return []


@pytest.fixture
def unnoticed(site: Site, codes: list[str], all_visits: list[Visit], tmp_path: Path) -> Watched:
    """Have visitors come while a block does something; then nobody failed and all is stored."""

    @asynccontextmanager
    async def watched(what: str) -> AsyncIterator[None]:
        plan = Plan(
            seed=1,
            port=site.ports["public"],
            host=site.domain,
            per_second=PER_SECOND,
            lasts_s=LASTS_S,
            popular=codes,
            rare=[],
            log=str(tmp_path / "visits.csv"),
        )
        async with visiting(plan, tmp_path) as crowd:
            await crowd.wait_for(STEADY_VISITS, within_s=60)
            yield
            await crowd.wait_for(len(crowd.visits) + STEADY_VISITS, within_s=60)
        all_visits.extend(crowd.visits)
        answered = {visit.request_id for visit in all_visits if visit.status in (302, 404)}
        verdict = judge(
            all_visits,
            links=codes,
            stored=site.stored(answered),
            shed=0,
            is_excused=lambda visit: False,
        )
        lasted_s = crowd.visits[-1].due_at - crowd.visits[0].due_at
        slow_ms = quantiles([visit.latency_ms for visit in crowd.visits], n=100)[98]
        slowest_ms = max(visit.latency_ms for visit in crowd.visits)
        tell(
            f"\n{what}: {len(crowd.visits):,} visits in {lasted_s:.0f} s, {verdict.failed} failed,"
            f" {verdict.lost} lost, {verdict.doubled} doubled; p99 {slow_ms:.1f} ms,"
            f" slowest {slowest_ms:.0f} ms\n"
        )
        assert verdict.findings == [], [*verdict.failures, *verdict.losses]

    return watched
