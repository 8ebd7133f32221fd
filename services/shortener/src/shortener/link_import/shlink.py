"""Shlink: another server's REST API, page by page, or its answers in a file.

Oldest first, so that links which are created meanwhile come last and no page shifts.
"""

from collections.abc import Awaitable, Callable, Mapping

from shortener.link_import.json_items import read_items
from shortener.link_import.rows import (
    BOT_VISITS,
    DATE_CREATED,
    VISITS,
    Chunks,
    ImportFileError,
    ImportRow,
    Rows,
    drop_empty,
)

ITEMS_PER_PAGE = 500

GetPage = Callable[[int], Awaitable[Mapping[str, object]]]
"""Returns the content of a page of the other server's list; raises `ImportFileError`."""


async def read_shlink_api(get_page: GetPage) -> Rows:
    """Yield a row for each short URL of the other server."""
    number, page, last = 0, 1, 1
    while page <= last:
        content = (await get_page(page)).get("shortUrls")
        if not isinstance(content, Mapping) or not isinstance(content.get("data"), list):
            raise ImportFileError("The server does not answer like Shlink.")
        pagination = content.get("pagination")
        last = pagination.get("pagesCount", 0) if isinstance(pagination, Mapping) else 0
        for item in content["data"]:
            number += 1
            yield _row(number, item)
        page += 1


async def read_shlink(chunks: Chunks) -> Rows:
    """Yield a row for each short URL in a file of such pages, one in a line."""
    number = 0
    async for item in read_items(b"", chunks, ("shortUrls",)):
        for short_url in item if isinstance(item, list) else [item]:
            if isinstance(short_url, Mapping) and "currentPage" not in short_url:
                number += 1
                yield _row(number, short_url)


def _row(number: int, item: object) -> ImportRow:
    if not isinstance(item, Mapping):
        return ImportRow(number, {}, refusal="is no short URL")
    meta = item.get("meta")
    meta = meta if isinstance(meta, Mapping) else {}
    summary = item.get("visitsSummary")
    summary = summary if isinstance(summary, Mapping) else {}
    fields = {
        "longUrl": item.get("longUrl"),
        "customSlug": item.get("shortCode"),
        "domain": item.get("domain"),
        "tags": item.get("tags"),
        "title": item.get("title"),
        "validSince": meta.get("validSince"),
        "validUntil": meta.get("validUntil"),
        "maxVisits": meta.get("maxVisits"),
        "crawlable": item.get("crawlable"),
        "forwardQuery": item.get("forwardQuery"),
        DATE_CREATED: item.get("dateCreated"),
        VISITS: summary.get("total", item.get("visitsCount")),
        BOT_VISITS: summary.get("bots"),
    }
    loss = "without its redirect rules" if item.get("hasRedirectRules") else ""
    return ImportRow(number, drop_empty(fields), loss=loss)
