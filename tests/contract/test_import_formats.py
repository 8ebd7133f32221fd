"""What each format is read into, by a golden sample of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shortener.link_import.formats import FORMATS
from shortener.link_import.rows import ImportFileError, ImportRow

GOLDEN = Path(__file__).parent / "golden" / "imports"

OZH = {
    "longUrl": "https://example.org/yourls",
    "customSlug": "ozh",
    "title": "T",
    "dateCreated": "2020-01-02T03:04:05+00:00",
    "visits": "42",
}
BITLY = {
    "longUrl": "https://example.org/bitly",
    "title": "Promo",
    "tags": ["spring", "mail"],
    "dateCreated": "2022-03-04T05:06:07+00:00",
}


async def read(source: str, content: bytes, piece: int = 7) -> list[ImportRow]:
    """Read a file that arrives in small pieces."""

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), piece):
            yield content[start : start + piece]

    return [row async for row in FORMATS[source](pieces())]


async def golden(source: str, name: str) -> list[ImportRow]:
    """Read a golden file."""
    return await read(source, (GOLDEN / name).read_bytes())


async def test_plain_csv() -> None:
    """Semicolons, quotes, other column names; rows are numbered by their line."""
    rows = await golden("csv", "plain.csv")
    assert rows[0] == ImportRow(
        2,
        {
            "longUrl": "https://example.org/plain?a=1",
            "customSlug": "plain",
            "tags": ["promo", "q1"],
            "title": 'A "quoted" title',
            "dateCreated": "2024-05-06T07:08:09+00:00",
            "visits": "1200",
            "botVisits": "200",
        },
    )
    assert rows[1].fields["domain"] == "d.test"
    assert rows[1].fields["maxVisits"] == "10"
    assert [row.number for row in rows] == [2, 3, 4, 5, 6]
    assert "customSlug" not in rows[4].fields


async def test_short_urls_instead_of_codes() -> None:
    """A column of whole short URLs gives domain and code."""
    (row,) = await read("csv", b"\xef\xbb\xbfurl,short_url\nhttps://a.test/,https://d.test/x\n")
    assert row.fields == {
        "longUrl": "https://a.test/", "customSlug": "x", "domain": "d.test", "tags": [],
    }  # fmt: skip


async def test_yourls() -> None:
    """Its table, its plugin's file and its API's answer give the same links."""
    table = await golden("yourls", "yourls.csv")
    assert table[0].fields == OZH | {"title": "Title, with comma"}
    assert table[1].fields["title"] == "Two\nlines"
    (plugin,) = await golden("yourls", "yourls-plugin.csv")
    assert plugin.fields == {name: OZH[name] for name in ("longUrl", "customSlug", "visits")}
    (api,) = await golden("yourls", "yourls.json")
    assert api.fields == OZH


async def test_kutt() -> None:
    """Links with a password and banned ones are refused with their reason."""
    rows = await golden("kutt", "kutt.json")
    assert rows[0].fields == {
        "longUrl": "https://example.org/kutt",
        "customSlug": "abc",
        "title": "From Kutt",
        "validUntil": "2031-02-03T04:05:06.000Z",
        "dateCreated": "2021-02-03T04:05:06.000Z",
        "visits": 9,
    }
    assert [row.refusal for row in rows] == [
        "", "has a password, which links here cannot have", "is banned",
    ]  # fmt: skip


async def test_bitly() -> None:
    """A custom link is one more link; the clicks come with the first, bit.ly to the default."""
    first, custom, plain = await golden("bitly", "bitly.csv")
    assert first.fields == BITLY | {"customSlug": "3AbCdEf", "visits": "77"}
    assert custom.fields == BITLY | {"customSlug": "promo", "domain": "go.acme.test"}
    assert plain.fields["customSlug"] == "3XyZ"
    from_api = await golden("bitly", "bitly.json")
    created = {"dateCreated": "2022-03-04T05:06:07+0000"}
    assert [row.fields for row in from_api] == [
        BITLY | created | {"customSlug": "3AbCdEf"},
        BITLY | created | {"customSlug": "promo", "domain": "go.acme.test"},
    ]


async def test_shlink() -> None:
    """Pages one in a line, of new servers and of old ones; redirect rules are a loss."""
    new, old = await golden("shlink", "shlink.ndjson")
    assert new.fields == {
        "longUrl": "https://example.org/a?b=1",
        "customSlug": "q7Fx2",
        "tags": ["promo", "q1"],
        "title": "T",
        "validUntil": "2031-01-01T00:00:00+00:00",
        "maxVisits": 20,
        "crawlable": True,
        "forwardQuery": False,
        "dateCreated": "2025-02-03T04:05:06+01:00",
        "visits": 12,
        "botVisits": 2,
    }
    assert (new.loss, old.loss) == ("without its redirect rules", "")
    assert (old.fields["domain"], old.fields["visits"]) == ("d.test", 5)


@pytest.mark.parametrize(
    ("source", "content", "reason"),
    [
        ("csv", b"", "empty"),
        ("csv", b"code,clicks\nx,1\n", "no column for the long URL"),
        ("csv", b'url\n"https://a.test/' + b"a" * 70_000, "longer than"),
        ("csv", b"\xff\xfe\n", "not UTF-8"),
        ("kutt", b"no json", "neither JSON"),
        ("kutt", b"7", "no list of links"),
        ("csv", b"url\rhttps://a.test/\n", "The header is not CSV"),
    ],
    ids=["empty", "no-long-url", "open-quote", "not-utf8", "no-json", "no-list", "lone-return"],
)
async def test_what_is_not_the_format(source: str, content: bytes, reason: str) -> None:
    """The error says what is wrong with the whole."""
    with pytest.raises(ImportFileError, match=reason):
        await read(source, content, 1000)


async def test_a_line_that_is_not_utf8_is_refused_alone() -> None:
    """The others are read."""
    rows = await read("csv", b"url\nhttps://a.test/\n\xff\nhttps://b.test/\n")
    assert [(row.number, row.refusal) for row in rows] == [(2, ""), (3, "is not UTF-8"), (4, "")]


async def test_a_line_that_is_not_csv_is_refused_alone() -> None:
    """What a lone carriage return parts would be two records under one number."""
    rows = await read("csv", b"url\nhttps://a.test/\nhttps://b.test/\rx\nhttps://c.test/\n")
    assert [(row.number, row.refusal) for row in rows] == [(2, ""), (3, "is not CSV"), (4, "")]


async def test_characters_that_part_lines_elsewhere_part_none_here() -> None:
    """A title may have a line separator, and the columns behind it still count."""
    content = "url,title,slug\r\nhttps://a.test/,one\u2028two\x0bthree,s\r\n"
    (row,) = await read("csv", content.encode())
    assert (row.fields["title"], row.fields["customSlug"]) == ("one\u2028two\x0bthree", "s")
