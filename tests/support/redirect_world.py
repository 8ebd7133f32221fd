"""Everything around a redirect, as the test says it is."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from prometheus_client import CollectorRegistry

from redirector.answers import Answers
from redirector.asgi_redirect import AsgiRedirect
from redirector.click import ClickMaker
from redirector.click_recorder import ClickRecorder
from redirector.forwarded_path import Mode
from redirector.joined_visits import JoinedVisits
from redirector.not_found import NotFound, Redirects
from redirector.pixel import TrackingPixel
from redirector.places import NOWHERE, Place
from redirector.redirect import OwnPath, Redirect
from redirector.redirect_rules import RedirectRules
from redirector.scan_limit import ScanLimit
from redirector.stored_links import ResolveError
from redirector.untracked import Untracked
from redirector.visit_charge import VisitCharge
from shared.address_pattern import parse_pattern
from shared.background import background_tasks
from shared.click_event import ClickEvent, decode_line
from shared.link import Link, Outcome, unknown_link
from shared.metrics import RedirectorMetrics
from shared.settings import Secret
from tests.support.clock import FakeClock

NOW_MS = 1_800_000_000_000


class World:
    """Everything around the redirect, and the redirect itself behind its ASGI door."""

    def __init__(self, links: dict[tuple[str, str], Link], **changes: Any) -> None:
        self.links = links
        self.resolved: list[tuple[str, str]] = []
        self.lookups = 0
        self.visits_left = 0
        self.lines: list[bytes] = []
        self.writes = 0
        self.is_cached = True
        self.is_down = False
        self.is_counting = True
        self.max_waiting = 100
        self.untracked_from: Sequence[str] = ()
        self.place = NOWHERE
        self.redirects: dict[str, Redirects] = {}
        self.default_redirects: Redirects = {}
        self.extra_path_mode: Mode = "default"
        self.own_paths: dict[str, OwnPath] = {}
        self.registry = CollectorRegistry()
        self.metrics = RedirectorMetrics(self.registry)
        self.clock = FakeClock(NOW_MS / 1000)
        self.scan_limit = ScanLimit(
            per_period=3, exempt=(), clock=self.clock, metrics=self.metrics
        )
        self._options: dict[str, Any] = {"track_orphans": True, **changes}

    async def redirect(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request as an ASGI application."""
        async with self.door() as door:
            await door(scope, receive, send)

    @asynccontextmanager
    async def door(self) -> AsyncIterator[AsgiRedirect]:
        """Open the redirect's ASGI door."""
        async with self.opened() as redirect:
            yield AsgiRedirect(redirect, clock=FakeClock(NOW_MS / 1000))

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Redirect]:
        """Open the redirect."""
        metrics = self.metrics
        maker = ClickMaker(
            default_domain="go.test",
            scheme="https",
            visitor_hash_key=Secret("k" * 32),
            anonymize_ip=True,
            places=self,
        )
        clock = FakeClock(NOW_MS / 1000)
        untracked = Untracked("nostat", [parse_pattern(text) for text in self.untracked_from])
        recorder = ClickRecorder(maker, self, untracked=untracked, **self._options)
        not_found = NotFound(
            recorder, self, default=self.default_redirects, default_domain="go.test"
        )
        async with background_tasks() as tasks:
            answers = Answers(
                recorder,
                rules=RedirectRules(self),
                untracked=untracked,
                not_found=not_found,
                scan_limit=self.scan_limit,
                metrics=metrics,
            )
            yield Redirect(
                visits=JoinedVisits(
                    resolver=self,
                    visit_charge=VisitCharge(
                        self, is_bot=lambda agent: "bot" in agent, metrics=metrics
                    ),
                    answers=answers,
                    metrics=metrics,
                    max_waiting=self.max_waiting,
                    clock=clock,
                    tasks=tasks,
                ),
                answers=answers,
                not_found=not_found,
                scan_limit=self.scan_limit,
                pixel=TrackingPixel(
                    resolver=self,
                    recorder=recorder,
                    metrics=metrics,
                    default_domain="go.test",
                    clock=clock,
                    tasks=tasks,
                ),
                own_paths=self.own_paths,
                default_domain="go.test",
                extra_path_mode=self.extra_path_mode,
                status=302,
            )

    def find(self, address: bytes) -> Place:
        """Tell where everybody is."""
        return self.place

    async def find_cached(self, keys: Sequence[tuple[str, str]]) -> Sequence[Link | None]:
        """Answer from the links given, if they are cached."""
        self.lookups += 1
        if not self.is_cached or self.is_down:
            return [None] * len(keys)
        self.resolved += keys
        return [self.links.get(key, unknown_link()) for key in keys]

    async def find_stored(self, key: tuple[str, str]) -> Link:
        """Answer from the links given."""
        self.resolved.append(key)
        if self.is_down:
            raise ResolveError
        return self.links.get(key, unknown_link())

    async def take(self, link_id: int) -> bool:
        """Take one of the visits left."""
        if not self.is_counting:
            raise OSError
        self.visits_left -= 1
        return self.visits_left >= 0

    async def has_left(self, link_id: int) -> bool:
        """Tell whether a visit is left."""
        return self.visits_left > 0

    def append_all(self, lines: Sequence[bytes]) -> None:
        """Keep the lines."""
        self.writes += 1
        self.lines += lines

    @property
    def clicks(self) -> list[ClickEvent]:
        """What was recorded."""
        return [decode_line(line) for line in self.lines]

    def count(self, outcome: Outcome) -> float | None:
        """Read the counter of an outcome."""
        return self.registry.get_sample_value("qck_redirects_total", {"outcome": outcome.value})
