"""The whole stack with seeded links in its cache, as a section of the benchmark works with it."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local_stack.programs import ALL
from local_stack.stack import Stack
from tests.bench.cpu import Components
from tests.bench.rounds import Target
from tests.bench.warm_cache import cache_links
from tests.seed.links import seed_links
from tests.support.stack import started_stack

PARTS = {
    "nginx": ("nginx",),
    "redirectors": ("redirector-1", "redirector-2"),
    "redis": ("redis",),
    "postgres": ("postgres",),
    "rabbitmq": ("rabbitmq",),
    "click-ingest": ("click-ingest",),
}
"""The programs of each component in the order in which a click meets them, or nearly so."""


@dataclass(frozen=True, slots=True)
class Site:
    """A running stack and the codes that lead somewhere in it, the popular ones first."""

    stack: Stack
    codes: Sequence[str]

    @property
    def target(self) -> Target:
        """The whole of it, from nginx on."""
        return Target(name="qck", port=self.stack.public_port, components=self.components)

    @property
    def host(self) -> str:
        """What visitors call it."""
        return f"localhost:{self.stack.public_port}"

    def components(self) -> Components:
        """Return the processes of each component that runs at the moment."""
        states = self.stack.states()
        found = {
            name: [states[program].pid for program in programs if states[program].pid]
            for name, programs in PARTS.items()
        }
        return {name: pids for name, pids in found.items() if pids}

    def cache_links(self) -> None:
        """Put all links into Redis, as redirectors do with what they had to look up."""
        asyncio.run(cache_links(self.stack, self.codes))


@contextmanager
def started_site(folder: Path, links: int, *, seed: int) -> Iterator[Site]:
    """Start a stack with so many links, all of them cached."""
    with started_stack(folder, ALL) as stack:
        seeded = asyncio.run(seed_links(stack.urls.database_url, links, seed=seed))
        site = Site(stack, list(seeded.codes()))
        site.cache_links()
        yield site
