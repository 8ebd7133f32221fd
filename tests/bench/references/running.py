"""All that qck is compared with, up at the same time and idle until its turn comes."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from local_stack.ports import choose_ports
from shared.redis_client import create_redis
from shared.settings import Secret
from tests.bench.references.nginx_lua import nginx_lua
from tests.bench.references.nginx_return import nginx_return
from tests.bench.references.textbook import textbook
from tests.bench.rounds import Target
from tests.bench.site import Site
from tests.support.database import fetch

PREFIX = "plain:"
_LINKS = "SELECT short_code, long_url FROM links WHERE domain = ''"


@contextmanager
def started_references(folder: Path, site: Site) -> Iterator[Sequence[Target]]:
    """Run them while the block runs, with the site's links as they want them."""
    asyncio.run(_copy_links(site))
    ports = choose_ports(("return", "lua", "textbook"), wanted={})
    with ExitStack() as exits:
        yield [
            exits.enter_context(nginx_return(folder / "return", ports["return"])),
            exits.enter_context(nginx_lua(folder / "lua", ports["lua"], site, PREFIX)),
            exits.enter_context(textbook(folder / "textbook", ports["textbook"], site, PREFIX)),
        ]


async def _copy_links(site: Site) -> None:
    """Give Redis a plain key for each link, with the long URL as it goes into the answer."""
    links = await fetch(site.stack.urls.database_url, _LINKS)
    redis = create_redis(
        Secret(site.stack.urls.redis_url), client_name="bench", pool_size=1, timeout_s=10
    )
    try:
        await redis.mset({f"{PREFIX}{code}": long_url for code, long_url in links})
    finally:
        await redis.aclose()
