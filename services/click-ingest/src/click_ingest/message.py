"""One message from the broker: its headers, its clicks, and what of it is poison."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

import msgspec

from click_ingest.dead_letters import DeadLetter, Fault
from shared import broker
from shared.click_event import SCHEMA_VERSION, ClickEvent, decode_line, decode_lines

# What msgspec raises on bytes that are not UTF-8, and on nesting without end, is no DecodeError.
_UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Delivery(Protocol):
    """What is read of an AMQP delivery."""

    @property
    def body(self) -> bytes:
        """Click events, one a line."""

    @property
    def headers(self) -> Mapping[str, Any]:
        """As in `shared.broker`."""


class Origin(msgspec.Struct, frozen=True):
    """The headers of a message: which clicks of which spool it has."""

    schema_version: int
    source: uuid.UUID
    first_sequence: Annotated[int, msgspec.Meta(ge=0, lt=2**62)]
    count: Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
    reason: str | None = None
    appended: Annotated[int, msgspec.Meta(ge=0, lt=2**62)] = 0
    confirmed: Annotated[int, msgspec.Meta(ge=0, lt=2**62)] = 0

    @property
    def sequences(self) -> range:
        """The sequence numbers of the message's lines within the source."""
        return range(self.first_sequence, self.first_sequence + self.count)

    @property
    def is_replay(self) -> bool:
        """Tell whether this was set aside before."""
        return self.reason is not None

    def line_headers(self, offset: int) -> dict[str, Any]:
        """Make the headers of a message that has one line of this one."""
        return {
            broker.HEADER_SCHEMA_VERSION: self.schema_version,
            broker.HEADER_SOURCE: str(self.source),
            broker.HEADER_FIRST_SEQUENCE: self.first_sequence + offset,
            broker.HEADER_COUNT: 1,
        }


@dataclass(slots=True, eq=False)
class ClickMessage:
    """A message that was opened. `origin` is None where even the headers are wrong."""

    body: bytes
    origin: Origin | None
    clicks: list[ClickEvent] = field(default_factory=list)
    offsets: Sequence[int] = ()
    """Which line each click is; lines that could not be decoded are missing."""
    dead_letters: list[DeadLetter] = field(default_factory=list)

    @property
    def received(self) -> int:
        """How many clicks the message has, poison included."""
        return len(self.clicks) + sum(letter.clicks for letter in self.dead_letters)

    def click_set_aside(self, click: ClickEvent, fault: Fault, detail: str) -> DeadLetter:
        """Make the dead letter of one of the message's clicks."""
        return self.line_set_aside(self.offsets[self.clicks.index(click)], fault, detail)

    def line_set_aside(self, offset: int, fault: Fault, detail: str) -> DeadLetter:
        """Make the dead letter of one line."""
        assert self.origin is not None  # noqa: S101 - a line is known by its message's headers
        line = self.body.split(b"\n")[offset] + b"\n"
        return DeadLetter(
            line,
            self.origin.line_headers(offset),
            fault,
            detail,
            clicks=1,
            source=self.origin.source,
            sequences=self.origin.sequences[offset : offset + 1],
        )


def open_message(delivery: Delivery) -> ClickMessage:
    """Decode a delivery; what cannot be decoded is among its dead letters."""
    body = delivery.body
    try:
        origin = msgspec.convert(dict(delivery.headers), Origin)
    except msgspec.ValidationError as error:
        return _all_poison(delivery, None, "wrong_headers", str(error))
    if origin.schema_version != SCHEMA_VERSION:
        known = f"version {origin.schema_version}, known is {SCHEMA_VERSION}"
        return _all_poison(delivery, origin, "unknown_schema_version", known)
    lines = body.count(b"\n") + (not body.endswith(b"\n") and body != b"")
    if lines != origin.count:
        detail = f"{origin.count} announced, {lines} lines"
        return _all_poison(delivery, origin, "wrong_count", detail)
    message = ClickMessage(body, origin)
    try:
        clicks = decode_lines(body)
    except _UNDECODABLE:
        clicks = []
    if len(clicks) == lines:  # the decoder skips empty lines
        message.clicks, message.offsets = clicks, range(lines)
    else:
        _decode_each(message, body)
    return message


def _all_poison(
    delivery: Delivery, origin: Origin | None, fault: Fault, detail: str
) -> ClickMessage:
    if origin:
        letter = DeadLetter(
            delivery.body, delivery.headers, fault, detail, origin.count, origin.source,
            origin.sequences,
        )  # fmt: skip
    else:
        clicks = max(1, delivery.body.count(b"\n"))
        letter = DeadLetter(delivery.body, delivery.headers, fault, detail, clicks)
    return ClickMessage(delivery.body, origin, dead_letters=[letter])


def _decode_each(message: ClickMessage, body: bytes) -> None:
    message.offsets = offsets = []
    for offset, line in enumerate(body.removesuffix(b"\n").split(b"\n")):
        try:
            message.clicks.append(decode_line(line))
            offsets.append(offset)
        except _UNDECODABLE as error:
            message.dead_letters.append(message.line_set_aside(offset, "undecodable", str(error)))
