"""What is kept of a click."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from redirector.click import ClickMaker, anonymize
from redirector.request import Request
from shared.click_event import ClickEvent
from shared.click_id import click_id, first_id_at
from shared.settings import Secret
from tests.support.clock import FakeClock

START = "1800000000.123"
START_MS = 1_800_000_000_123


def a_request(target: str = "/abc", **headers: str) -> Request:
    """Make a request with headers (underscores for hyphens)."""
    raw_path, _, query = target.partition("?")
    scope: dict[str, Any] = {
        "method": "GET",
        "path": "/abc",
        "raw_path": raw_path.encode(),
        "query_string": query.encode(),
        "headers": [
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ],
    }
    return Request.from_scope(scope, FakeClock(5.0))


def a_maker(*, anonymize_ip: bool = True, key: str = "k" * 32) -> ClickMaker:
    """Make a maker."""
    return ClickMaker(
        default_domain="go.test",
        scheme="https",
        visitor_hash_key=Secret(key),
        anonymize_ip=anonymize_ip,
    )


def make(request: Request, maker: ClickMaker | None = None) -> ClickEvent:
    """Make the click of a plain redirect."""
    return (maker or a_maker()).make(
        request, kind="link", short_code="abc", link_id=1, redirect_url="https://e.test/"
    )


def test_the_id_is_a_uuid7_of_time_and_request() -> None:
    """The id is a valid UUIDv7 that sorts by its time and differs by its request."""
    one = uuid.UUID(click_id(START_MS, 1))
    other = uuid.UUID(click_id(START_MS, 2))
    later = uuid.UUID(click_id(START_MS + 1, 0))
    assert one.version == 7
    assert one.variant == uuid.RFC_4122
    assert one.int >> 80 == START_MS
    assert one != other
    assert later > max(one, other)


def test_the_first_id_of_a_moment_bounds_all_of_its_ids() -> None:
    """Every id of a moment is at or after the bound, every earlier one before it."""
    moment = datetime.fromtimestamp(START_MS / 1000, UTC)
    bound = first_id_at(moment)
    assert uuid.UUID(click_id(START_MS, 0)) >= bound
    assert uuid.UUID(click_id(START_MS - 1, (1 << 128) - 1)) < bound


def test_nginx_gives_time_and_request_id() -> None:
    """Arrival time and request id come from nginx's headers."""
    request = a_request(x_request_id="ab" * 16, x_request_start=START)
    assert (request.request_id, request.started_ms) == ("ab" * 16, START_MS)


@pytest.mark.parametrize(
    "headers",
    [{}, {"x_request_id": "x" * 32}, {"x_request_id": "AB" * 16}, {"x_request_start": "now"}],
)
def test_without_usable_headers_the_process_makes_its_own(headers: dict[str, str]) -> None:
    """Without nginx in front a request still gets an id and a time."""
    request = a_request(**headers)
    assert len(request.request_id) == 32
    assert request.started_ms == 5000


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("::ffff:203.0.113.77", "203.0.113.0"),
        ("", None),
        ("not an address", None),
    ],
)
def test_addresses_are_anonymised(address: str, kept: str | None) -> None:
    """The last octet of IPv4, also of one as IPv6, and the last 80 bits of IPv6 are dropped."""
    assert anonymize(address) == kept


def test_anonymising_can_be_switched_off() -> None:
    """With `TRACK_ANONYMIZE_IP=false` the whole address is kept, but only if it is one."""
    maker = a_maker(anonymize_ip=False)
    assert make(a_request(x_real_ip="203.0.113.77"), maker).ip == "203.0.113.77"
    assert make(a_request(x_real_ip="::ffff:203.0.113.77"), maker).ip == "203.0.113.77"
    assert make(a_request(x_real_ip="junk"), maker).ip is None


def test_the_visitor_hash_joins_within_a_day_and_not_beyond() -> None:
    """One visitor has one hash on one day, another the next day, another under another key."""
    today = {"x_real_ip": "203.0.113.77", "user_agent": "A", "x_request_start": START}
    tomorrow = {**today, "x_request_start": "1800086400.123"}
    maker = a_maker()
    first = make(a_request(**today), maker).visitor
    assert first is not None
    assert len(first) == 32
    assert make(a_request(**today), maker).visitor == first
    assert make(a_request(**today), a_maker()).visitor == first
    assert make(a_request(**tomorrow), maker).visitor != first
    assert make(a_request(**today), a_maker(key="o" * 32)).visitor != first
    assert make(a_request(**{**today, "user_agent": "B"}), maker).visitor != first


def test_strings_are_cropped_at_characters() -> None:
    """Long headers are cropped to their bytes and never inside a character."""
    click = make(
        a_request(
            f"/{'p' * 5000}?{'q' * 5000}",
            referer="é" * 2000,
            user_agent="u" * 2000,
            accept_language="l" * 2000,
            host="h" * 2000,
        )
    )
    assert len(click.referer.encode()) == 1024
    assert len(click.user_agent) == 512
    assert len(click.accept_language) == 256
    assert len(click.visited_url) == 2048
    assert len(click.domain) == 255


def test_what_postgres_cannot_store_is_dropped() -> None:
    """NUL and bytes that are not UTF-8 do not survive."""
    request = a_request()
    request.user_agent = b"a\0b\xff"
    assert make(request).user_agent == "ab"


def test_a_missing_host_is_the_default_domain() -> None:
    """HTTP/1.0 without Host is taken as a visit of the default domain."""
    assert make(a_request()).visited_url == "https://go.test/abc"
