"""Whether the API's reads stay as fast when there are ten million clicks of a million links."""

import asyncio

from tests.bench.api_reads import ApiRead, read_api
from tests.bench.bench import Bench
from tests.bench.disk_space import needed_bytes, require_space
from tests.bench.findings import Findings
from tests.bench.fixed_rate.measure import Measured
from tests.bench.growing_site import GrowingSite
from tests.bench.read_findings import read_findings
from tests.support.stack import started_stack

LINKS = 1_000_000
CLICKS = 1_000_000
TIMES = 10
LEAST = 20_000


def run(bench: Bench) -> Findings:
    """Read with few clicks stored, then with many."""
    scale = bench.options.scale
    links = max(LEAST, round(LINKS * scale))
    few = max(LEAST, round(CLICKS * scale))
    many = TIMES * few
    require_space(bench.folder, needed_bytes(links=links, clicks=many, stacks=1))
    with started_stack(bench.folder / "stack") as stack:
        site = GrowingSite(bench, stack)
        return asyncio.run(_measure(bench, site, links, (few, many)))


async def _measure(
    bench: Bench, site: GrowingSite, links: int, clicks: tuple[int, int]
) -> Findings:
    reads: dict[int, dict[ApiRead, list[Measured]]] = {}
    for count in clicks:
        sizes = await site.grow(links=links, clicks=count)
        reads[count] = await read_api(bench, site.stack, site.visits)
    return read_findings(reads, sizes)
