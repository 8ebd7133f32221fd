"""Whether a redirect stays as fast when there are ten million links.

Two stacks stand side by side, one with few links and one that grows. Both are visited in turn, so
that what else the machine does hits them alike and the ratio of the two can be trusted.
"""

import asyncio

from tests.bench.bench import Bench
from tests.bench.disk_space import needed_bytes, require_space
from tests.bench.findings import Findings
from tests.bench.fixed_rate.measure import measure
from tests.bench.fixed_rate.visitors import visitor_endings
from tests.bench.growing_site import GrowingSite
from tests.bench.growth_findings import FEW_LINKS, Growth, Paired, growth_findings
from tests.support.stack import started_stack

LINKS = (1_000_000, 10_000_000)
LEAST = 2 * FEW_LINKS
PER_SECOND = 200.0
MISSES = 0.1
"""One in ten visits is of a link that is not cached: p95 is then a lookup in the table."""


def run(bench: Bench) -> Findings:
    """Grow step by step, and measure at each."""
    links = [max(LEAST, round(count * bench.options.scale)) for count in LINKS]
    require_space(bench.folder, needed_bytes(links=links[-1], clicks=0, stacks=2))
    few_folder, many_folder = bench.folder / "few", bench.folder / "many"
    with started_stack(few_folder) as few, started_stack(many_folder) as many:
        sites = GrowingSite(bench, few), GrowingSite(bench, many)
        return asyncio.run(_measure(bench, *sites, links))


async def _measure(
    bench: Bench, few: GrowingSite, many: GrowingSite, links: list[int]
) -> Findings:
    growth = Growth()
    await few.grow(links=FEW_LINKS)
    for count in links:
        sizes = await many.grow(links=count)
        growth.redirects[count] = await _redirects(bench, few, many)
        growth.disk_bytes_per_link = sizes.links_bytes / count
    growth.cached_bytes_per_link = many.cached_bytes_per_link
    return growth_findings(growth)


async def _redirects(bench: Bench, few: GrowingSite, many: GrowingSite) -> Paired:
    """Visit both in turn, a round each."""
    rounds, round_s = bench.options.rounds, bench.options.round_s
    paired = Paired()
    with bench.screen.progress("redirects", 2 * rounds * round_s) as advance:
        for _ in range(rounds):
            for site, found in ((few, paired.few), (many, paired.many)):
                host = f"localhost:{site.stack.public_port}"
                found.append(
                    await measure(
                        bench.folder,
                        port=site.stack.public_port,
                        per_second=PER_SECOND,
                        targets=site.visits.mixture(round(PER_SECOND * round_s), MISSES),
                        endings=visitor_endings(host, site.visits.random),
                    )
                )
                advance(round_s)
    return paired
