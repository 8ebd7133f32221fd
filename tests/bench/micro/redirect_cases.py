"""A whole redirect, from the request's bytes to the answer's, with the click in a real spool.

What is left out is the network and Redis: links come from a resolver that answers at once.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from redirector import pages
from redirector.asgi_redirect import AsgiRedirect
from redirector.click_recorder import ClickRecorder
from redirector.redirect import Redirect
from redirector.scan_limit import ScanLimit
from redirector.spool import ClickSpool
from redirector.visit_charge import VisitCharge
from shared.background import background_tasks
from shared.link import Link
from shared.link_cache import LinkKey
from shared.metrics import RedirectorMetrics
from tests.bench.micro.case import Case, Opened, awaited
from tests.bench.micro.connections import Connections
from tests.bench.micro.redirector_cases import LINK, a_spool
from tests.bench.micro.request import DOMAIN, HEAD, SCOPE, a_click_maker

BUSY = 32


def cases(folder: Path, stack: ExitStack) -> list[Case]:
    """Make them; their clicks go to `folder`."""
    spool = a_spool(folder, stack)

    def asked(connections: int) -> Callable[[], Opened]:
        return lambda: ask_on(spool, connections)

    return [
        awaited("redirect: one request, ASGI", lambda: ask_asgi(spool)),
        awaited("redirect: one request", asked(1)),
        awaited(f"redirect: {BUSY} at once, each", asked(BUSY), each=BUSY),
    ]


class _Stores:
    """Every link is cached, none is limited."""

    async def find_cached(self, keys: Sequence[LinkKey]) -> Sequence[Link | None]:
        return [LINK] * len(keys)

    async def find_stored(self, key: LinkKey) -> Link:
        raise AssertionError(f"{key} is cached")

    async def take(self, link_id: int) -> bool:
        raise AssertionError(f"{link_id} is not limited")

    has_left = take


@asynccontextmanager
async def open_redirect(spool: ClickSpool) -> AsyncIterator[Redirect]:
    """Wire a redirect as the service does."""
    metrics = RedirectorMetrics(CollectorRegistry())
    async with background_tasks() as tasks:
        yield Redirect(
            resolver=_Stores(),
            visit_charge=VisitCharge(_Stores(), is_bot=lambda agent: False, metrics=metrics),
            recorder=ClickRecorder(a_click_maker(), spool, track_orphans=True),
            scan_limit=ScanLimit(per_period=150, exempt=(), clock=time.monotonic, metrics=metrics),
            own_pages=pages.OWN,
            metrics=metrics,
            default_domain=DOMAIN,
            status=302,
            max_waiting=1000,
            clock=time.time,
            tasks=tasks,
        )


@asynccontextmanager
async def ask_on(spool: ClickSpool, count: int) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """Ask on so many connections at once."""
    async with open_redirect(spool) as redirect:
        connections = Connections(redirect, count)
        yield lambda: connections.ask(HEAD)


@asynccontextmanager
async def ask_asgi(spool: ClickSpool) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """Ask as uvicorn does for whoever is not nginx."""

    async def send(message: Any) -> None:
        assert message.get("status", 302) == 302, message

    async with open_redirect(spool) as redirect:
        app = AsgiRedirect(redirect, clock=time.time)
        yield lambda: app(SCOPE, None, send)
