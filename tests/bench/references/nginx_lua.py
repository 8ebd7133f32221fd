"""nginx with Lua and Redis, written by hand: looks every link up, and records nothing.

One `GET` over a kept connection, in the protocol's own words: a client library would do the same
in more steps. What it finds is the long URL as plain text, so there is nothing to decode.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from local_stack.ports import LOOPBACK
from shared.template import render
from tests.bench.needed import MODULES, NGINX_MODULES
from tests.bench.references.nginx import nginx
from tests.bench.rounds import Target
from tests.bench.site import Site


@contextmanager
def nginx_lua(folder: Path, port: int, site: Site, prefix: str) -> Iterator[Target]:
    """Run it while the block runs; `prefix` is what its keys in the site's Redis begin with."""
    redis = urlsplit(site.stack.urls.redis_url)
    password = unquote(redis.password or "")
    http = render(
        Path(__file__).with_name("nginx_lua.conf").read_text(),
        {
            "LISTEN": f"{LOOPBACK}:{port}",
            "REDIS_HOST": str(redis.hostname),
            "REDIS_PORT": str(redis.port),
            "PASSWORD": password,
            "PASSWORD_BYTES": str(len(password)),
            "PREFIX": prefix,
        },
    )
    with nginx(folder, port, http, [MODULES / name for name in NGINX_MODULES]) as pid:
        yield Target(
            name="nginx + Lua + Redis",
            port=port,
            components=lambda: {
                "nginx": [pid],
                "redis": [site.stack.pid("redis")],
            },
        )
