"""Kutt: what `GET /api/v2/links` answers, page after page in one file or all links in one list.

A link has address (the code), target, domain, description, visit_count, created_at, expire_in,
banned and password. A link with a password would be open to all here, so it is not taken over;
nor is a banned one, which does not redirect.
"""

from collections.abc import Mapping

from shortener.link_import.json_items import read_items
from shortener.link_import.rows import (
    DATE_CREATED,
    VISITS,
    Chunks,
    ImportRow,
    Rows,
    drop_empty,
    read_moment,
)


async def read_kutt(chunks: Chunks) -> Rows:
    """Yield a row for each link."""
    number = 0
    async for item in read_items(b"", chunks, ("data",)):
        number += 1
        yield _row(number, item)


def _row(number: int, item: object) -> ImportRow:
    if not isinstance(item, Mapping):
        return ImportRow(number, {}, refusal="is no link")
    fields = {
        "longUrl": item.get("target"),
        "customSlug": item.get("address"),
        "domain": item.get("domain"),
        "title": item.get("description"),
        "validUntil": read_moment(item.get("expire_in")),
        DATE_CREATED: read_moment(item.get("created_at")),
        VISITS: item.get("visit_count"),
    }
    return ImportRow(number, drop_empty(fields), refusal=_refusal(item))


def _refusal(item: Mapping[str, object]) -> str:
    if item.get("password"):
        return "has a password, which links here cannot have"
    return "is banned" if item.get("banned") else ""
