"""A whole redirect, from the request's bytes to the answer's, with the click in a real spool.

What is left out is the network and Redis: links come from a resolver that answers at once.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from redirector.answers import Answers
from redirector.asgi_redirect import AsgiRedirect
from redirector.click_recorder import ClickRecorder
from redirector.domain_table import DomainTable
from redirector.joined_visits import JoinedVisits
from redirector.not_found import NotFound, Redirects
from redirector.pixel import TrackingPixel
from redirector.places import NoPlaces
from redirector.redirect import Redirect
from redirector.redirect_rules import RedirectRules
from redirector.scan_limit import ScanLimit
from redirector.spool import ClickSpool
from redirector.untracked import Untracked
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

    async def find_redirects(self) -> Mapping[str, Redirects]:
        return {}


@asynccontextmanager
async def open_redirect(spool: ClickSpool) -> AsyncIterator[Redirect]:
    """Wire a redirect as the service does."""
    metrics, stores = RedirectorMetrics(CollectorRegistry()), _Stores()
    untracked = Untracked("nostat", [])
    recorder = ClickRecorder(a_click_maker(), spool, track_orphans=True, untracked=untracked)
    not_found = NotFound(recorder, DomainTable(stores), default={}, default_domain=DOMAIN)
    scan_limit = ScanLimit(per_period=150, exempt=(), clock=time.monotonic, metrics=metrics)
    async with background_tasks() as tasks:
        answers = Answers(
            recorder,
            rules=RedirectRules(NoPlaces()),
            untracked=untracked,
            not_found=not_found,
            scan_limit=scan_limit,
            metrics=metrics,
        )
        yield Redirect(
            visits=JoinedVisits(
                resolver=stores,
                visit_charge=VisitCharge(stores, is_bot=lambda agent: False, metrics=metrics),
                answers=answers,
                metrics=metrics,
                max_waiting=1000,
                clock=time.time,
                tasks=tasks,
            ),
            answers=answers,
            not_found=not_found,
            scan_limit=scan_limit,
            pixel=TrackingPixel(
                resolver=stores,
                recorder=recorder,
                metrics=metrics,
                default_domain=DOMAIN,
                clock=time.time,
                tasks=tasks,
            ),
            own_paths={},
            default_domain=DOMAIN,
            extra_path_mode="default",
            status=302,
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
