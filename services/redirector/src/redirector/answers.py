"""The answers of a turn: every click recorded in one write, then everybody answered."""

import time
from collections.abc import Sequence

import structlog

from redirector import pages
from redirector.click_recorder import ClickRecorder
from redirector.forwarded_path import append_path
from redirector.forwarded_query import merge_query
from redirector.not_found import NotFound
from redirector.pages import Page
from redirector.redirect_rules import RedirectRules
from redirector.scan_limit import ScanLimit
from redirector.untracked import Untracked
from redirector.visit import Visit
from shared.link import Link, Outcome
from shared.metrics import RedirectorMetrics

Decided = tuple[Visit, Outcome, Link]

_NO_CLICK = {
    Outcome.UNAVAILABLE: pages.UNAVAILABLE,
    Outcome.OVERLOADED: pages.UNAVAILABLE,
    Outcome.SCANNING: pages.TOO_MANY,
}

log = structlog.get_logger()


class Answers:
    """Gives visits the answer that was decided; counted in `qck_redirects_total` by outcome.

    Unknown, expired and exhausted codes are the same to visitors: not found. A blocked destination
    is a 410, since whoever trusts the link should know that it was not mistyped.
    """

    __slots__ = ("_metrics", "_not_found", "_recorder", "_rules", "_scan_limit", "_untracked")

    def __init__(
        self,
        recorder: ClickRecorder,
        *,
        rules: RedirectRules,
        untracked: Untracked,
        not_found: NotFound,
        scan_limit: ScanLimit,
        metrics: RedirectorMetrics,
    ) -> None:
        self._recorder = recorder
        self._rules = rules
        self._untracked = untracked
        self._not_found = not_found
        self._scan_limit = scan_limit
        self._metrics = metrics

    def give(self, decided: Sequence[Decided]) -> None:
        """Record the clicks, then answer; a fault in one visit is that visitor's 500 alone."""
        lines: list[bytes] = []
        answers: list[tuple[Visit, str | Page]] = []
        for visit, outcome, link in decided:
            try:
                answers.append((visit, self._settle(visit, outcome, link, lines)))
            except Exception:
                answers.append((visit, self._failed(visit)))
        self._recorder.write(lines)
        ended = time.perf_counter()
        observe = self._metrics.redirect_duration.observe
        redirects = 0
        for visit, answer in answers:
            observe(ended - visit.started)
            if isinstance(answer, str):
                redirects += 1
                visit.visitor.redirect(answer)
            else:
                visit.visitor.show(answer)
        self._metrics.redirects[Outcome.REDIRECT].inc(redirects)

    def fail(self, visit: Visit) -> None:
        """Answer 500 for the fault of ours that is being handled, and log it."""
        visit.visitor.show(self._failed(visit))

    def _failed(self, visit: Visit) -> Page:
        log.exception("redirect_failed", request_id=visit.request.request_id)
        self._metrics.redirects[Outcome.FAILED].inc()
        return pages.FAILED

    def _settle(
        self, visit: Visit, outcome: Outcome, link: Link, lines: list[bytes]
    ) -> str | Page:
        """Return the answer, a location or a page, and add the line of its click to `lines`."""
        request = visit.request
        if outcome is not Outcome.REDIRECT:
            self._metrics.redirects[outcome].inc()
            if page := _NO_CLICK.get(outcome):
                return page
            if outcome is Outcome.BLOCKED:
                self._recorder.add_orphan(lines, request, "invalid_short_url", visit.code, None)
                return pages.BLOCKED
            if outcome is Outcome.UNKNOWN:
                self._scan_limit.note_unknown(request.address)
            return self._not_found.settle(lines, request, "invalid_short_url", visit.code)
        location = self._rules.choose(link, request) if link.rules else link.location
        if visit.extra_path:
            location = append_path(location, visit.extra_path)
        if request.query and link.forward_query:
            location = merge_query(location, self._untracked.forwarded(request.query))
        self._recorder.add_click(lines, request, visit.code, link.link_id, location)
        return location
