"""The reads of the API that show statistics, each at a fixed rate."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

from local_stack.stack import Stack
from tests.bench.bench import Bench
from tests.bench.fixed_rate.measure import Measured, measure
from tests.bench.fixed_rate.visitors import ending
from tests.bench.visits import HIT, Visits

_SHORT_URLS = "/rest/v3/short-urls"

WARM_UP_S = 1.0
"""Each read is asked for so long before anything is measured: what seeding or an idle hour has
left on disk only is in memory by then, as it is where people look at their statistics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRead:
    """One thing that is asked for again and again; `{code}` is another popular link each time."""

    name: str
    target: str
    per_second: float
    goal_ms: float = 50.0


TAG = "popular"
_NINETY_DAYS = (datetime.now(UTC) - timedelta(days=90)).strftime("startDate=%Y-%m-%d")


def _visits(name: str, path: str, page: int = 1) -> ApiRead:
    return ApiRead(
        name=f"5,000 visits of {name}",
        target=f"{path}?itemsPerPage=5000&page={page}",
        per_second=3,
        goal_ms=300.0,
    )


API_READS = (
    ApiRead(name="list of short URLs", target=_SHORT_URLS, per_second=5),
    ApiRead(
        name="short URLs by visits", target=f"{_SHORT_URLS}?orderBy=visits-DESC", per_second=5
    ),
    ApiRead(
        name="short URLs that are searched for",
        target=f"{_SHORT_URLS}?searchTerm=bicycle&orderBy=title",
        per_second=5,
    ),
    ApiRead(name="tags with statistics", target="/rest/v3/tags/stats", per_second=5),
    ApiRead(name="domains", target="/rest/v3/domains", per_second=5),
    ApiRead(name="one short URL", target=f"{_SHORT_URLS}/{{code}}", per_second=20),
    ApiRead(name="visits overview", target="/rest/v3/visits", per_second=5),
    ApiRead(
        name="statistics of a short URL, 90 days",
        target=f"{_SHORT_URLS}/{{code}}/statistics?{_NINETY_DAYS}",
        per_second=5,
    ),
    ApiRead(
        name="statistics of a tag, 90 days",
        target=f"/rest/v3/tags/{TAG}/statistics?{_NINETY_DAYS}",
        per_second=5,
    ),
    ApiRead(
        name="statistics of a domain, 90 days",
        target=f"/rest/v3/domains/DEFAULT/statistics?{_NINETY_DAYS}",
        per_second=5,
    ),
    ApiRead(
        name="statistics of everything, 90 days",
        target=f"/rest/v3/visits/statistics?{_NINETY_DAYS}",
        per_second=5,
    ),
    _visits("a short URL", f"{_SHORT_URLS}/{{code}}/visits"),
    _visits("a tag", f"/rest/v3/tags/{TAG}/visits"),
    _visits("a domain", "/rest/v3/domains/DEFAULT/visits"),
    _visits("all short URLs", "/rest/v3/visits/non-orphan"),
    _visits("all short URLs, page 150", "/rest/v3/visits/non-orphan", page=150),
    _visits("orphans", "/rest/v3/visits/orphan"),
)
"""Short URLs with the visits summary of each. The rates are such that nothing has to wait for
what was asked before, unless it takes longer than any goal allows."""


async def read_api(bench: Bench, stack: Stack, visits: Visits) -> dict[ApiRead, list[Measured]]:
    """Measure all of them in turn, after a short run of each that does not count."""
    rounds, round_s = bench.options.rounds, bench.options.round_s
    endings = [ending("localhost", {"X-Api-Key": stack.urls.api_key})]

    async def ask(read: ApiRead, for_s: float) -> Measured:
        return await measure(
            bench.folder,
            port=stack.port("api"),
            per_second=read.per_second,
            targets=_targets(read, visits, ceil(read.per_second * for_s)),
            endings=endings,
            expected=200,
        )

    found: dict[ApiRead, list[Measured]] = {read: [] for read in API_READS}
    total_s = len(API_READS) * (WARM_UP_S + rounds * round_s)
    with bench.screen.progress("API", total_s) as advance:
        for read in API_READS:
            await ask(read, WARM_UP_S)
            advance(WARM_UP_S)
        for _ in range(rounds):
            for read, some in found.items():
                some.append(await ask(read, round_s))
                advance(round_s)
    return found


def _targets(read: ApiRead, visits: Visits, count: int) -> Sequence[str]:
    codes = (target.removeprefix("/") for target in visits.targets(HIT, count))
    return [read.target.format(code=code) for code in codes]
