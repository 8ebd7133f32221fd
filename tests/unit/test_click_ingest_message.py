"""Opening messages, and joining them into batches."""

import uuid
from typing import Any

import msgspec
import pytest

from click_ingest.batch import open_batch
from click_ingest.message import open_message
from click_ingest.refusal import Refusal
from shared.click_event import encode_line, encode_lines
from tests.support.clicks import a_click, a_message

SOURCE = uuid.UUID(int=7)


def with_member(name: str, value: object) -> bytes:
    """Make the line of a click with one member as no redirector writes it."""
    return msgspec.json.encode({**msgspec.json.decode(encode_line(a_click())), name: value})


NESTED_WITHOUT_END = b'{"id":' + b"[" * 100_000 + b"\n"


def test_a_whole_message_is_opened() -> None:
    """All clicks come out in order, with where they came from."""
    clicks = [a_click(), a_click(type="base_url", link_id=None), a_click()]
    message = open_message(a_message(clicks, source=SOURCE, first_sequence=40))
    assert message.clicks == clicks
    assert message.origin is not None
    assert (message.origin.source, message.origin.sequences) == (SOURCE, range(40, 43))
    assert not message.dead_letters
    assert not message.origin.is_replay


def test_a_message_without_clicks_is_nothing_bad() -> None:
    """A source may say that it exists."""
    message = open_message(a_message([], source=SOURCE, first_sequence=12))
    assert (message.received, message.dead_letters) == (0, [])
    assert message.origin is not None
    assert message.origin.sequences == range(12, 12)


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"{}",
        b"",
        b'{"id":1}',
        b'"\xff\xfe"',
        NESTED_WITHOUT_END.strip(),
        encode_line(a_click()).replace(b'Z"', b'"').strip(),
        encode_line(a_click()).replace(b'"link"', b'"unheard_of"').strip(),
        encode_line(a_click()).replace(b"Mozilla", b"Mozilla\xff").strip(),
        encode_line(a_click()).replace(b"Mozilla", rb"\ud800").strip(),
        encode_line(a_click()).strip()[:-1],
        with_member("clicked_at", "0001-01-01T00:00:00+14:00"),
        with_member("clicked_at", "9999-12-31T23:59:59-14:00"),
        with_member("clicked_at", "1970-12-31T23:59:59Z"),
        with_member("link_id", 0),
        with_member("link_id", 2**63),
        with_member("link_id", 2**70),
    ],
    ids=[
        "text", "empty object", "empty line", "wrong type", "not utf-8", "nested", "no time zone",
        "unknown click type", "bad byte in a text", "lone surrogate", "cut off",
        "before the calendar", "after the calendar", "before 1971", "link 0", "link too high",
        "link far too high",
    ],
)  # fmt: skip
def test_one_bad_line_is_set_aside_alone(line: bytes) -> None:
    """The lines around it are clicks; its letter is a message of that line alone."""
    before, after = a_click(), a_click()
    body = encode_line(before) + line + b"\n" + encode_line(after)
    message = open_message(a_message(body=body, source=SOURCE, first_sequence=100))
    assert message.clicks == [before, after]
    (letter,) = message.dead_letters
    assert letter.body == line + b"\n"
    assert letter.headers == {
        "schema_version": 1,
        "source": str(SOURCE),
        "first_sequence": 101,
        "count": 1,
    }
    assert (letter.fault, letter.clicks) == ("undecodable", 1)
    assert (letter.source, letter.sequences) == (SOURCE, range(101, 102))
    assert message.received == 3


def test_a_cut_off_body_keeps_its_whole_lines() -> None:
    """A last line without its end is judged like any other."""
    click = a_click()
    body = encode_line(click) + encode_line(a_click())[:50]
    message = open_message(a_message(body=body, count=2))
    assert message.clicks == [click]
    assert [letter.fault for letter in message.dead_letters] == ["undecodable"]


@pytest.mark.parametrize(
    ("headers", "fault"),
    [
        ({"source": None}, "wrong_headers"),
        ({"source": "nobody"}, "wrong_headers"),
        ({"source": 5}, "wrong_headers"),
        ({"first_sequence": None}, "wrong_headers"),
        ({"first_sequence": -1}, "wrong_headers"),
        ({"first_sequence": "0"}, "wrong_headers"),
        ({"first_sequence": 2**62}, "wrong_headers"),
        ({"count": None}, "wrong_headers"),
        ({"count": -2}, "wrong_headers"),
        ({"schema_version": None}, "wrong_headers"),
        ({"schema_version": 2}, "unknown_schema_version"),
        ({"schema_version": 0}, "unknown_schema_version"),
        ({"count": 3}, "wrong_count"),
        ({"count": 1}, "wrong_count"),
    ],
    ids=str,
)
def test_wrong_headers_set_the_whole_message_aside(headers: dict[str, Any], fault: str) -> None:
    """Body and headers are kept as they were, so that nothing is lost that people could use."""
    delivery = a_message([a_click(), a_click()], **headers)
    message = open_message(delivery)
    assert not message.clicks
    (letter,) = message.dead_letters
    assert (letter.body, letter.headers) == (delivery.body, delivery.headers)
    assert letter.fault == fault


def test_the_ledger_knows_a_message_of_a_newer_version() -> None:
    """A release that came too early leaves no hole: its clicks are received and set aside."""
    delivery = a_message(
        [a_click()] * 3, source=SOURCE, first_sequence=10, schema_version=9, count=3
    )
    entry = open_batch([delivery]).ledger_entries()[SOURCE]
    assert (entry.received, entry.set_aside) == ([range(10, 13)], [range(10, 13)])


def test_a_message_without_a_source_is_in_no_ledger() -> None:
    """It counts as poison, one click a line."""
    batch = open_batch([a_message([a_click()] * 2, source=None, first_sequence=-1)])
    assert batch.ledger_entries() == {}
    assert (batch.received, batch.poison) == (2, 2)


def test_a_click_from_two_sources_is_in_the_batch_once() -> None:
    """After a failover both replicas' spools have the click; both sequence numbers arrived."""
    first, second = uuid.UUID(int=1), uuid.UUID(int=2)
    click, other = a_click(), a_click()
    batch = open_batch(
        [a_message([click, other], source=first), a_message([click], source=second)]
    )
    assert {each.id for each in batch.clicks} == {click.id, other.id}
    assert len(batch.clicks) == 2
    entries = batch.ledger_entries()
    assert entries[first].received == [range(2)]
    assert entries[second].received == [range(1)]


def test_clicks_of_a_batch_are_in_the_order_of_their_ids() -> None:
    """Two workers with the same clicks must wait for each other in one order."""
    clicks = [a_click() for _ in range(50)]
    batch = open_batch([a_message(clicks[::-1])])
    ids = [click.id for click in batch.clicks]
    assert ids == sorted(ids)


def test_a_refused_click_becomes_the_letter_of_its_line() -> None:
    """The letter has the original bytes of the line, whatever lines before it were poison."""
    good, bad = a_click(), a_click()
    body = b"poison\n" + encode_lines([good, bad])
    batch = open_batch([a_message(body=body, source=SOURCE, first_sequence=5)])
    rest = batch.without([(bad, Refusal("refused", "22021 that will not do"))])
    assert list(rest.clicks) == [good]
    assert [letter.body for letter in rest.dead_letters] == [b"poison\n", encode_line(bad)]
    assert rest.dead_letters[1].sequences == range(7, 8)
    assert rest.dead_letters[1].reason == "refused: 22021 that will not do"
    assert rest.ledger_entries()[SOURCE].set_aside == [range(5, 6), range(7, 8)]
    assert (rest.received, rest.poison) == (3, 2)


def test_a_replayed_letter_is_known_by_its_reason() -> None:
    """Published again as it is, a dead letter still says why it was one."""
    message = open_message(a_message([a_click()], reason="no_partition: 23514"))
    assert message.origin is not None
    assert message.origin.is_replay


def test_a_long_reason_is_cut() -> None:
    """PostgreSQL may quote the value, which can be long."""
    message = open_message(a_message([a_click()], source="x" * 10_000))
    assert len(message.dead_letters[0].reason) <= 300
