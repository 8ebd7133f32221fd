"""Which requests leave a click, and the way from a request to a line in the spool."""

from collections.abc import Sequence
from typing import Protocol

from redirector.click import ClickMaker
from redirector.request import Request
from redirector.untracked import Untracked
from shared.click_event import ClickType, encode_line
from shared.short_code import MAX_LENGTH


class Spool(Protocol):
    """What recording needs."""

    def append_all(self, lines: Sequence[bytes]) -> None:
        """Put the lines on disk, or shed and count them."""


class ClickRecorder:
    """Makes lines and writes them; a GET is a click unless it is untracked, a HEAD is not."""

    __slots__ = ("_maker", "_spool", "_track_orphans", "_untracked")

    def __init__(
        self, maker: ClickMaker, spool: Spool, *, track_orphans: bool, untracked: Untracked
    ) -> None:
        self._maker = maker
        self._spool = spool
        self._track_orphans = track_orphans
        self._untracked = untracked

    def add_click(
        self, lines: list[bytes], request: Request, code: str, link_id: int, location: str | None
    ) -> None:
        """Add the line of a redirect to `location`, or of a pixel, which leads nowhere."""
        # Most requests have no query string, and then there is nothing to ask.
        if request.method == "GET" and not (
            (request.query or self._untracked.asks_for_addresses)
            and self._untracked.covers(request)
        ):
            click = self._maker.make(
                request, kind="link", short_code=code, link_id=link_id, redirect_url=location
            )
            lines.append(encode_line(click))

    def add_orphan(
        self,
        lines: list[bytes],
        request: Request,
        kind: ClickType,
        code: str,
        location: str | None,
    ) -> None:
        """Add the line of a request that no link answered, if those are tracked."""
        if self._track_orphans and request.method == "GET" and not self._untracked.covers(request):
            code = code[:MAX_LENGTH].replace("\0", "")
            click = self._maker.make(request, kind=kind, short_code=code, redirect_url=location)
            lines.append(encode_line(click))

    def write(self, lines: Sequence[bytes]) -> None:
        """Have the lines on disk on return; those that cannot be written are shed and counted."""
        if lines:
            self._spool.append_all(lines)
