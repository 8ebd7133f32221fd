"""The click on the wire: one JSON object a line, many lines a message.

Consumers outside this repository read it too (docs/clicks.md), so members are only ever added,
and golden files in tests/contract hold the bytes.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec

SCHEMA_VERSION = 1
"""Sent in the message header `schema_version`; raised when an old consumer could misread."""

CONTENT_TYPE = "application/x-ndjson"

ClickType = Literal["link", "base_url", "invalid_short_url", "regular_404"]
"""`link`, or the kind of an orphan: `/`, a code that leads nowhere, any other path."""

MAX_REFERER_BYTES = 1024
MAX_USER_AGENT_BYTES = 512
MAX_URL_BYTES = 2048
MAX_ACCEPT_LANGUAGE_BYTES = 256

FIRST_YEAR, LAST_YEAR = 1971, 9998
"""Of `clicked_at`, by its own offset: so that in UTC, too, it is after 1970 begins and before the
calendar of Python ends, and the hours that clicks are counted by can be computed."""

LinkId = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class ClickEvent(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One served redirect, or one request that no link answered (an orphan).

    What was added later has a default, and is not in the JSON where it has that.
    """

    id: str
    """UUIDv7 made from nginx's request id and arrival time: the same on a retry elsewhere."""
    clicked_at: Annotated[datetime, msgspec.Meta(tz=True)]
    domain: str
    short_code: str
    link_id: LinkId | None
    type: ClickType
    visited_url: str
    redirect_url: str | None
    referer: str
    user_agent: str
    accept_language: str
    ip: str | None
    """Anonymised before it is written anywhere, unless that is switched off."""
    visitor: str | None
    """Keyed hash of address and user agent; the key rotates daily, so days cannot be joined."""
    request_id: str
    country: str | None = None
    """ISO 3166-1 alpha-2, of the full address; None where it is not known or not looked up."""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(ClickEvent)


def encode_line(click: ClickEvent) -> bytes:
    """Encode one click as a JSON line, newline included."""
    return _ENCODER.encode(click) + b"\n"


def decode_line(line: bytes) -> ClickEvent:
    """Decode one line.

    Raises:
        msgspec.DecodeError: the line is not JSON, or (ValidationError) not a click.
        UnicodeDecodeError: a text in it is not UTF-8.
        RecursionError: it is nested without end.
    """
    click = _DECODER.decode(line)
    _check_years([click])
    return click


def decode_lines(body: bytes) -> list[ClickEvent]:
    """Decode a whole message body; as `decode_line`, all or nothing."""
    clicks = _DECODER.decode_lines(body)
    _check_years(clicks)
    return clicks


def encode_lines(clicks: Iterable[ClickEvent]) -> bytes:
    """Encode clicks as one message body."""
    return b"".join(map(encode_line, clicks))


def _check_years(clicks: Sequence[ClickEvent]) -> None:
    for year in {click.clicked_at.year for click in clicks}:
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise msgspec.ValidationError(f"No click is of the year {year} - at `$.clicked_at`")
