"""Which codes are visited: ones that are cached, ones that are not, and ones that do not exist."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

from local_stack.stack import Stack
from tests.bench.bench import Bench
from tests.bench.fixed_rate.zipf import draw_links
from tests.bench.warm_cache import cache_links
from tests.seed.links import seed_links

HIT, MISS, UNKNOWN = "hit", "miss", "unknown code"
STATUSES = {HIT: 302, MISS: 302, UNKNOWN: 404}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """Draws targets of each kind."""

    random: Random
    cached: Sequence[str]
    """Visited again and again, by Zipf."""
    fresh: Iterator[str]
    """Visited once each, so Redis does not know them."""

    def targets(self, kind: str, count: int) -> list[str]:
        """Return what so many visits of a kind ask for."""
        if kind == HIT:
            drawn = draw_links(self.random, len(self.cached), count)
            return [f"/{self.cached[number]}" for number in drawn]
        if kind == MISS:
            return [f"/{code}" for code in islice(self.fresh, count)]
        # Longer than any code that is made at random, so there is none such.
        return [f"/none-{self.random.getrandbits(48):012x}" for _ in range(count)]

    def mixture(self, count: int, misses: float) -> list[str]:
        """Return targets of which this share is not cached, and the rest is."""
        fresh = round(count * misses)
        targets = self.targets(MISS, fresh) + self.targets(HIT, count - fresh)
        self.random.shuffle(targets)
        return targets


async def seed_visits(bench: Bench, stack: Stack, *, cached: int, fresh: int) -> Visits:
    """Make links; put the first of them into Redis."""
    with bench.screen.progress("links", cached + fresh) as advance:
        seeded = await seed_links(
            stack.urls.database_url, cached + fresh, seed=bench.options.seed, progress=advance
        )
    codes = seeded.codes()
    popular = list(islice(codes, cached))
    await cache_links(stack, popular)
    random = Random(bench.options.seed)  # noqa: S311 - a repeatable choice, no secret
    return Visits(random=random, cached=popular, fresh=codes)
