"""The redirect's door: which path is a short code, which something else.

A request meets these files in this order: protocol, request, redirect, joined_visits, answers.
"""

from collections.abc import Callable, Mapping

from redirector.answers import Answers
from redirector.forwarded_path import Mode
from redirector.joined_visits import JoinedVisits
from redirector.not_found import NotFound
from redirector.pixel import PATH_END as PIXEL_END
from redirector.pixel import TrackingPixel
from redirector.request import Request
from redirector.scan_limit import ScanLimit
from redirector.visit import Visit, Visitor
from shared.link import Outcome, unknown_link

_NO_LINK = unknown_link()

OwnPath = Callable[[Request, Visitor], object]
"""Answers requests for a path of our own."""


class Redirect:
    """Answers short codes, with a slash behind them too, and all other paths; see `take`.

    HEAD redirects and records nothing. `status` is that of redirects.
    `qck_redirects_total{outcome="scanning"}` counts those whom `scan_limit` stops.
    """

    def __init__(
        self,
        *,
        visits: JoinedVisits,
        answers: Answers,
        not_found: NotFound,
        scan_limit: ScanLimit,
        pixel: TrackingPixel,
        own_paths: Mapping[str, OwnPath],
        default_domain: str,
        extra_path_mode: Mode,
        status: int,
    ) -> None:
        self._visits = visits
        self._answers = answers
        self._not_found = not_found
        self._scan_limit = scan_limit
        self._pixel = pixel
        self._own_paths = own_paths
        self._default_domain = default_domain
        self._extra_path_mode = extra_path_mode
        self.status = status

    def take(self, request: Request, visitor: Visitor) -> None:
        """Take a GET or HEAD request; the visitor is answered in this or a later turn, once."""
        path = request.path
        code = path[1:]
        if own := self._own_paths.get(path):
            own(request, visitor)
        elif self._scan_limit.stopped and self._scan_limit.stops(request.address):
            visit = Visit(request, visitor, code, self._default_domain)
            self._answers.give([(visit, Outcome.SCANNING, _NO_LINK)])
        elif code and "/" not in code:
            self._take_code(request, visitor, code)
        elif "/" not in (before := code[:-1]) and before:
            self._take_code(request, visitor, before)
        elif code.endswith(PIXEL_END) and "/" not in (before := code.removesuffix(PIXEL_END)):
            self._pixel.take(request, visitor, before)
        elif not code:
            self._not_found.answer(request, visitor, "base_url")
        else:
            self._take_longer_path(request, visitor, code.partition("/")[0])

    def _take_longer_path(self, request: Request, visitor: Visitor, code: str) -> None:
        extra_path = request.raw_path[1:].partition(b"/")[2]
        if not code or not extra_path or self._extra_path_mode == "default":
            # Each costs a row. Whom the operator leads elsewhere has only come to an old address.
            if not self._not_found.answer(request, visitor, "regular_404"):
                self._scan_limit.note_unknown(request.address)
        else:
            is_appended = self._extra_path_mode == "append"
            self._take_code(request, visitor, code, extra_path if is_appended else b"")

    def _take_code(
        self, request: Request, visitor: Visitor, code: str, extra_path: bytes = b""
    ) -> None:
        self._visits.take(Visit(request, visitor, code, self._default_domain, extra_path))
