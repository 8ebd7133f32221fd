"""The tracking pixel: a picture that nobody sees, in a mail or on a page, counts a visit.

It is an answer like no other: the picture always comes, and comes at once if too many wait.
"""

import asyncio

import structlog

from redirector import pages
from redirector.click_recorder import ClickRecorder
from redirector.request import Clock, Request
from redirector.stored_links import ResolveError
from redirector.visit import Resolver, Visit, Visitor, completed_link
from shared.link import Link, Outcome
from shared.metrics import RedirectorMetrics
from shared.short_code import is_well_formed

MAX_WAITING = 500

log = structlog.get_logger()

PATH_END = "/track"
"""After the short code."""


class TrackingPixel:
    """Answers with a GIF of one pixel and records a click that leads nowhere, if the link works.

    It takes no visit of a limited link: nobody was led anywhere. `qck_pixels_total` counts by
    outcome, those too that are not recorded since nobody can tell (`unavailable`) or too many wait
    (`overloaded`).
    """

    def __init__(
        self,
        *,
        resolver: Resolver,
        recorder: ClickRecorder,
        metrics: RedirectorMetrics,
        default_domain: str,
        clock: Clock,
        tasks: asyncio.TaskGroup,
    ) -> None:
        self._resolver = resolver
        self._recorder = recorder
        self._metrics = metrics
        self._default_domain = default_domain
        self._clock = clock
        self._tasks = tasks
        self._waiting = 0

    def take(self, request: Request, visitor: Visitor, code: str) -> None:
        """Answer a request for the pixel of a short code, now or in a later turn."""
        if not is_well_formed(code):
            self._show(visitor, "unknown")
        elif self._waiting >= MAX_WAITING:
            self._show(visitor, "overloaded")
        else:
            self._waiting += 1
            visit = Visit(request, visitor, code, self._default_domain)
            self._tasks.create_task(self._serve(visit))

    async def _serve(self, visit: Visit) -> None:
        outcome = "unavailable"
        try:
            link = await self._find(visit)
            is_working = link.decide(round(self._clock() * 1000)) is Outcome.REDIRECT
            if is_working:
                lines: list[bytes] = []
                self._recorder.add_click(lines, visit.request, visit.code, link.link_id, None)
                self._recorder.write(lines)
            outcome = "known" if is_working else "unknown"
        except ResolveError:
            pass
        except Exception:
            log.exception("pixel_failed", request_id=visit.request.request_id)
        finally:
            self._waiting -= 1
        self._show(visit.visitor, outcome)

    async def _find(self, visit: Visit) -> Link:
        cached = await self._resolver.find_cached(visit.keys)
        return await completed_link(visit, cached, self._resolver)

    def _show(self, visitor: Visitor, outcome: str) -> None:
        self._metrics.pixels[outcome].inc()
        visitor.show(pages.PIXEL)
