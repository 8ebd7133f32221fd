"""YOURLS: its table as CSV, the CSV of its import-export plugin, and the JSON of its API.

The table (or a dump of it) has keyword, url, title, timestamp, ip and clicks; the plugin source,
target and hits; the API answers `action=stats` with an object of links. All times are the
server's own, without an offset, and read as UTC.
"""

from collections.abc import Mapping

from shortener.link_import.csv_records import read_records
from shortener.link_import.json_items import read_items
from shortener.link_import.peek import is_json, joined
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


async def read_yourls(chunks: Chunks) -> Rows:
    """Yield a row for each link."""
    first, found_json = await is_json(chunks)
    if found_json:
        number = 0
        async for item in read_items(first, chunks, ("links", "result")):
            number += 1
            yield _row(number, item)
        return
    async for number, record in read_records(joined(first, chunks), ("url", "target")):
        yield _row(number, record)


def _row(number: int, item: object) -> ImportRow:
    if not isinstance(item, Mapping):
        return ImportRow(number, {}, refusal=item if isinstance(item, str) else "is no link")
    keyword = item.get("keyword") or item.get("source")
    if not keyword:
        keyword = split_short_url(str(item.get("shorturl") or ""))[1]
    fields = {
        "longUrl": item.get("url") or item.get("target"),
        "customSlug": str(keyword or "").strip("/"),
        "title": item.get("title"),
        DATE_CREATED: read_moment(item.get("timestamp")),
        VISITS: item.get("clicks") or item.get("hits"),
    }
    return ImportRow(number, drop_empty(fields))
