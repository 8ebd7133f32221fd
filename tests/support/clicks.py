"""Clicks and click messages for tests, with every value chosen where a test does not care."""

import itertools
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.broker import (
    HEADER_COUNT,
    HEADER_FIRST_SEQUENCE,
    HEADER_SCHEMA_VERSION,
    HEADER_SOURCE,
)
from shared.click_event import SCHEMA_VERSION, ClickEvent, encode_lines
from shared.click_id import click_id

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/124.0.0.0 Safari/537.36"
)

_numbers = itertools.count(1)


def a_click(**values: Any) -> ClickEvent:
    """Make a click of this moment on link 1 by a person, except for what `values` says.

    The id follows from `clicked_at` unless it is given too.
    """
    clicked_at = values.get("clicked_at") or datetime.now(UTC)
    defaults: dict[str, Any] = {
        "id": click_id(round(clicked_at.timestamp() * 1000), secrets.randbits(128)),
        "clicked_at": clicked_at,
        "domain": "",
        "short_code": f"code{next(_numbers)}",
        "link_id": 1,
        "type": "link",
        "visited_url": "https://s.test/code",
        "redirect_url": "https://example.com/",
        "referer": "https://example.org/",
        "user_agent": CHROME,
        "accept_language": "en-GB,en;q=0.9",
        "ip": "192.0.2.0",
        "visitor": "d0b1f4",
        "request_id": "0123456789abcdef0123456789abcdef",
    }
    return ClickEvent(**{**defaults, **values})


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message as the worker receives it."""

    body: bytes
    headers: dict[str, Any]


def a_message(
    clicks: Sequence[ClickEvent] = (), *, body: bytes | None = None, **headers: Any
) -> Delivered:
    """Make the message of these clicks, or of a raw body; a header given as None is left out."""
    body = encode_lines(clicks) if body is None else body
    all_headers = {
        HEADER_SCHEMA_VERSION: SCHEMA_VERSION,
        HEADER_SOURCE: uuid.uuid4(),
        HEADER_FIRST_SEQUENCE: 0,
        HEADER_COUNT: body.count(b"\n"),
        **headers,
    }
    return Delivered(
        body,
        {
            name: str(value) if isinstance(value, uuid.UUID) else value
            for name, value in all_headers.items()
            if value is not None
        },
    )


def messages_of(source: uuid.UUID, count: int, clicks_each: int) -> list[Delivered]:
    """Make messages as one spool sends them, without a gap."""
    return [
        a_message(
            [a_click() for _ in range(clicks_each)],
            source=source,
            first_sequence=number * clicks_each,
        )
        for number in range(count)
    ]
