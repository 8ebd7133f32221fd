"""Where visitors are led, or what they are shown, when no link is at their address."""

import re
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import quote, quote_from_bytes

from redirector import pages
from redirector.click_recorder import ClickRecorder
from redirector.pages import Page, redirect_to
from redirector.request import Request
from redirector.visit import Visitor
from shared.click_event import ClickType

STATUS = 302
"""Whatever short URLs answer: what is not there today may be tomorrow."""

MAX_LOCATION_LENGTH = 30_000
"""nginx takes 32 KiB of headers (proxy_buffer_size), and what has more for a replica's failure. A
path of 8 KiB may be five times as long within a query."""

Redirects = Mapping[ClickType, str]
"""For each kind of orphan that is led elsewhere its URL, placeholders and all."""

# What may stand in a Location header. No backslash: browsers take it for a slash.
_SAFE = "%/?:@!$&'()*+,;=-._~[]#"
_BEFORE_PATH = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_SLASHES = re.compile(r"//+")


class Domains(Protocol):
    """What is known of domains."""

    @property
    def redirects(self) -> Mapping[str, Redirects]:
        """By domain, '' for the default one."""


class NotFound:
    """Answers with the redirect of the domain, else the default one, else 404; all are orphans.

    A location that is too long for nginx is none.
    """

    __slots__ = ("_default", "_default_domain", "_domains", "_recorder")

    def __init__(
        self,
        recorder: ClickRecorder,
        domains: Domains,
        *,
        default: Redirects,
        default_domain: str,
    ) -> None:
        self._recorder = recorder
        self._domains = domains
        self._default = default
        self._default_domain = default_domain

    def settle(self, lines: list[bytes], request: Request, kind: ClickType, code: str) -> Page:
        """Return the answer, and add the line of the orphan to `lines`."""
        location = self._location(request, kind)
        self._recorder.add_orphan(lines, request, kind, code, location)
        return pages.NOT_FOUND if location is None else redirect_to(location, STATUS)

    def answer(self, request: Request, visitor: Visitor, kind: ClickType) -> bool:
        """Record the orphan, then answer; tell whether the visitor is led elsewhere."""
        lines: list[bytes] = []
        page = self.settle(lines, request, kind, "")
        self._recorder.write(lines)
        visitor.show(page)
        return page is not pages.NOT_FOUND

    def _location(self, request: Request, kind: ClickType) -> str | None:
        domain = "" if request.host == self._default_domain else request.host
        own = self._domains.redirects.get(domain)
        target = (own and own.get(kind)) or self._default.get(kind)
        if not target:
            return None
        location = fill(target, request.host or self._default_domain, request.raw_path)
        return location if len(location) <= MAX_LOCATION_LENGTH else None


def fill(target: str, domain: str, raw_path: bytes) -> str:
    """Put the values of {DOMAIN} and {ORIGINAL_PATH} into a URL: encoded, where in its query.

    The path brings its slash along: one that the URL has before it is not doubled. Any text makes
    a valid header.
    """
    path = quote_from_bytes(raw_path, safe=_SAFE)
    base, question_mark, query = target.partition("?")
    before = _BEFORE_PATH.match(base)
    start = before[0] if before else ""
    filled = base[len(start) :].replace("{DOMAIN}", domain)
    if "{ORIGINAL_PATH}" in filled:
        filled = _SLASHES.sub("/", filled.replace("{ORIGINAL_PATH}", path))
    query = query.replace("{DOMAIN}", quote(domain, safe=""))
    query = query.replace("{ORIGINAL_PATH}", quote(path, safe=""))
    return quote(f"{start}{filled}{question_mark}{query}", safe=_SAFE)
