"""The bytes on the wire and in the cache are those of the goldens, and old goldens still decode.

A golden is never edited: a change of meaning gets a new number and a new file beside the old one.
"""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from shared.click_event import ClickEvent, decode_line, decode_lines, encode_line
from shared.link import Link, unknown_link
from shared.link_cache import SCHEMA, cache_key, decode_entry, encode_entry
from shared.redirect_rule import Condition, RedirectRule, encode_rules
from tests.support.links import a_link

GOLDEN = Path(__file__).parent / "golden"

CLICK = ClickEvent(
    id="01a20550-1563-793a-b690-a5da81b8cfdb",
    clicked_at=datetime(2026, 11, 22, 22, 11, 4, 163000, UTC),
    domain="go.test",
    short_code="😀",
    link_id=7,
    type="link",
    visited_url="https://go.test/%F0%9F%98%80?a=1",
    redirect_url="https://example.org/?a=1",
    referer="https://news.test/",
    user_agent='Mozilla/5.0 "quoted"',
    accept_language="de,en;q=0.5",
    ip="203.0.113.0",
    visitor="0123456789abcdef0123456789abcdef",
    request_id="996ae518b378424eb690a5da81b8cfdb",
)
ORPHAN = msgspec.structs.replace(
    CLICK, link_id=None, type="regular_404", redirect_url=None, ip=None, visitor=None
)
CLICK_FROM_SOMEWHERE = msgspec.structs.replace(CLICK, country="NL")
LINK = Link(
    version=42,
    link_id=7,
    location="https://example.org/?a=1",
    valid_since_ms=1_700_000_000_000,
    valid_until_ms=1_800_000_000_000,
    has_visit_limit=True,
    forward_query=False,
)
LINK_WITH_RULES = msgspec.structs.replace(
    LINK,
    rules=encode_rules(
        [RedirectRule("https://example.org/app", (Condition("device", None, "ios"),))]
    ),
)


@pytest.mark.parametrize(
    ("name", "click"),
    [
        ("click-v1.ndjson", CLICK),
        ("click-country-v1.ndjson", CLICK_FROM_SOMEWHERE),
        ("orphan-v1.ndjson", ORPHAN),
    ],
)
def test_click_on_the_wire(name: str, click: ClickEvent) -> None:
    """A click encodes to its golden line and decodes from it."""
    golden = (GOLDEN / name).read_bytes()
    assert encode_line(click) == golden
    assert decode_line(golden) == click


def test_a_message_body_is_lines() -> None:
    """Lines joined are a body."""
    assert decode_lines(encode_line(CLICK) + encode_line(ORPHAN)) == [CLICK, ORPHAN]


def test_members_added_later_do_not_disturb() -> None:
    """A reader of today reads a line with a member of tomorrow."""
    line = encode_line(CLICK).replace(b"}\n", b',"planet":"Mars"}\n')
    assert decode_line(line) == CLICK


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("link-v1.bin", LINK),
        ("tombstone-v1.bin", unknown_link(43)),
        ("link-rules-v1.bin", LINK_WITH_RULES),
    ],
)
def test_link_in_the_cache_is_read(name: str, link: Link) -> None:
    """A link decodes from the cache value that this release, or an older one, has written."""
    assert decode_entry((GOLDEN / name).read_bytes()) == link


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("link-rules-v1.bin", LINK_WITH_RULES),
        ("link-no-rules-v1.bin", LINK),
        ("tombstone-no-rules-v1.bin", unknown_link(43)),
    ],
)
def test_link_in_the_cache(name: str, link: Link) -> None:
    """A link encodes to its golden cache value and decodes from it."""
    golden = (GOLDEN / name).read_bytes()
    assert encode_entry(link) == golden
    assert decode_entry(golden) == link


def test_cache_keys_carry_schema_and_domain() -> None:
    """The key has the schema number, the domain ('' for the default one) and the code."""
    assert SCHEMA == 1
    assert cache_key(("", "abc")) == "link:1::abc"
    assert cache_key(("go.test:8080", "😀")) == "link:1:go.test:8080:😀"


NOT_UTF_8 = encode_entry(a_link(location="https://e.test/oo")).replace(b"oo", b"\xff\xfe")


@pytest.mark.parametrize(
    "value", [b"", b"1", b"x" * 16, b"%016d" % 3 + b"\xc1", b"\xff" * 40, NOT_UTF_8]
)
def test_an_unreadable_entry_is_a_miss(value: bytes) -> None:
    """Whatever stands in Redis, reading it raises nothing."""
    assert decode_entry(value) is None
