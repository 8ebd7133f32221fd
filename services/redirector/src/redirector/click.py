"""What counts as a click, what is kept of it, and its id.

Everything here is plain computing on what nginx sent. Addresses are anonymised and hashed before
they are written anywhere; strings are cropped and freed of what PostgreSQL cannot store.
"""

import hashlib
import ipaddress
from datetime import UTC, date, datetime
from functools import lru_cache

from redirector.places import Places
from redirector.request import Request
from shared import click_event
from shared.address_pattern import parse_address
from shared.click_event import ClickEvent, ClickType
from shared.click_id import click_id
from shared.settings import Secret


class ClickMaker:
    """Makes click events; the same request retried on another replica makes the same id.

    Without `places` no country is looked up.
    """

    __slots__ = (
        "_anonymize_ip", "_default_domain", "_key", "_key_day", "_places", "_scheme", "_secret",
    )  # fmt: skip

    def __init__(
        self,
        *,
        default_domain: str,
        scheme: str,
        visitor_hash_key: Secret,
        anonymize_ip: bool,
        places: Places | None = None,
    ) -> None:
        self._default_domain = default_domain
        self._scheme = scheme
        self._secret = visitor_hash_key
        self._anonymize_ip = anonymize_ip
        self._places = places
        self._key_day = date.min
        self._key = b""

    def make(
        self,
        request: Request,
        *,
        kind: ClickType,
        short_code: str = "",
        link_id: int | None = None,
        redirect_url: str | None = None,
    ) -> ClickEvent:
        """Make the click of a request that was answered with `redirect_url` or not found."""
        clicked_at = datetime.fromtimestamp(request.started_ms / 1000, UTC)
        address = _text(request.address, 64)
        agent = request.user_agent
        domain = request.host or self._default_domain
        visited = f"{self._scheme}://{domain}".encode() + request.raw_path
        if request.query:
            visited += b"?" + request.query
        return ClickEvent(
            id=click_id(request.started_ms, int(request.request_id, 16)),
            clicked_at=clicked_at,
            domain=domain,
            short_code=short_code,
            link_id=link_id,
            type=kind,
            visited_url=_text(visited, click_event.MAX_URL_BYTES),
            redirect_url=redirect_url and redirect_url[: click_event.MAX_URL_BYTES],
            referer=_text(request.referer, click_event.MAX_REFERER_BYTES),
            user_agent=_text(agent, click_event.MAX_USER_AGENT_BYTES),
            accept_language=_text(request.accept_language, click_event.MAX_ACCEPT_LANGUAGE_BYTES),
            ip=(anonymize(address) if self._anonymize_ip else _valid(address)),
            visitor=self._visitor(address, agent, clicked_at.date()) if address else None,
            request_id=request.request_id,
            country=None if self._places is None else self._places.find(request.address).country,
        )

    def _visitor(self, address: str, agent: bytes, day: date) -> str:
        if day != self._key_day:
            secret = self._secret.reveal().encode()
            self._key = hashlib.blake2b(day.isoformat().encode(), key=secret[:64]).digest()
            self._key_day = day
        return hashlib.blake2b(
            address.encode() + b"\0" + agent, key=self._key, digest_size=16
        ).hexdigest()


@lru_cache(maxsize=8192)
def anonymize(address: str) -> str | None:
    """Return the address without its last octet (IPv4) or its last 80 bits (IPv6).

    That is what widespread analytics tools keep; None for what is not an address.
    """
    parsed = parse_address(address)
    if parsed is None:
        return None
    prefix = 24 if parsed.version == 4 else 48
    return str(ipaddress.ip_network((parsed, prefix), strict=False).network_address)


@lru_cache(maxsize=8192)
def _valid(address: str) -> str | None:
    parsed = parse_address(address)
    return None if parsed is None else str(parsed)


def _text(value: bytes, max_bytes: int) -> str:
    """Decode and crop at a character's end; NUL, which PostgreSQL cannot store, is dropped."""
    text = value[:max_bytes].decode("utf-8", "ignore")
    return text.replace("\0", "") if "\0" in text else text
