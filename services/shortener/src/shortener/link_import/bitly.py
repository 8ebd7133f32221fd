"""Bitly: the CSV of its dashboard's export, and the JSON of `GET /v4/groups/{guid}/bitlinks`.

A link has its short URL and, maybe, custom ones that lead to the same place; each becomes a link
here. Those on Bitly's own domains come to the default domain, as nobody can take bit.ly along.
Clicks are counted for all of them together, and come with the first. The API's list has none.
"""

from collections.abc import Iterator, Mapping

from shortener.link_import.csv_records import read_records
from shortener.link_import.json_items import read_items
from shortener.link_import.peek import is_json, joined
from shortener.link_import.plain_csv import split_tags
from shortener.link_import.rows import (
    DATE_CREATED,
    VISITS,
    Chunks,
    ImportRow,
    Rows,
    drop_empty,
    read_moment,
    split_short_url,
)

LONG_URL_NAMES = ("long_url", "longurl", "destinationurl", "destination", "url")

OWN_DOMAINS = frozenset({"bit.ly", "bitly.com", "j.mp"})


async def read_bitly(chunks: Chunks) -> Rows:
    """Yield a row for each short URL of each link."""
    first, found_json = await is_json(chunks)
    if found_json:
        number = 0
        async for item in read_items(first, chunks, ("links",)):
            number += 1
            for row in _rows(number, item):
                yield row
        return
    async for number, record in read_records(joined(first, chunks), LONG_URL_NAMES):
        for row in _rows(number, record):
            yield row


def _rows(number: int, item: object) -> Iterator[ImportRow]:
    if not isinstance(item, Mapping):
        yield ImportRow(number, {}, refusal=item if isinstance(item, str) else "is no link")
        return
    tags = _first(item, "tags")
    fields = {
        "longUrl": _first(item, *LONG_URL_NAMES),
        "title": _first(item, "title"),
        "tags": split_tags(tags) if isinstance(tags, str) else tags,
        DATE_CREATED: read_moment(
            _first(item, "created_at", "createdat", "created", "datecreated")
        ),
        VISITS: _first(item, "clicks", "totalclicks", "total_clicks", "engagements"),
    }
    for short_url in _short_urls(item):
        domain, code = split_short_url(short_url)
        place = {"customSlug": code, "domain": "" if domain in OWN_DOMAINS else domain}
        yield ImportRow(number, drop_empty(fields | place))
        fields[VISITS] = None


def _short_urls(item: Mapping[str, object]) -> list[str]:
    given = [_first(item, "link", "bitlink", "shorturl", "shortlink", "id")]
    custom = _first(item, "custom_bitlinks", "custombitlinks", "customlink", "customlinks")
    given += custom if isinstance(custom, list) else split_tags(str(custom or ""))
    # A link without any gets a random code.
    return list(dict.fromkeys(str(text) for text in given if text)) or [""]


def _first(item: Mapping[str, object], *names: str) -> object:
    return next((item[name] for name in names if item.get(name)), None)
