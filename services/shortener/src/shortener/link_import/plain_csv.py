"""Plain CSV: whatever columns a spreadsheet or another shortener calls what a link has."""

from collections.abc import Mapping

from shortener.link_import.csv_records import read_records
from shortener.link_import.rows import (
    BOT_VISITS,
    DATE_CREATED,
    VISITS,
    Chunks,
    ImportRow,
    Rows,
    drop_empty,
    read_moment,
    split_short_url,
)

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "longUrl": ("longurl", "url", "target", "destination", "destinationurl", "originalurl"),
    "customSlug": ("shortcode", "customslug", "slug", "code", "keyword", "alias", "backhalf"),
    "shortUrl": ("shorturl", "shortlink", "link"),
    "domain": ("domain",),
    "tags": ("tags",),
    "title": ("title", "description", "name"),
    "validSince": ("validsince", "startsat"),
    "validUntil": ("validuntil", "expiresat", "expirein", "expires"),
    "maxVisits": ("maxvisits", "maxclicks"),
    "crawlable": ("crawlable",),
    "forwardQuery": ("forwardquery",),
    DATE_CREATED: ("datecreated", "createdat", "created", "timestamp", "createddate"),
    VISITS: ("visits", "clicks", "hits", "visitscount", "visitcount", "engagements"),
    BOT_VISITS: ("botvisits", "bots"),
}
"""The first of the names that the header has is read."""


async def read_csv(chunks: Chunks) -> Rows:
    """Yield a row for each record.

    Raises:
        ImportFileError: there is no column with the long URL.
    """
    async for number, record in read_records(chunks, COLUMNS["longUrl"]):
        if isinstance(record, str):
            yield ImportRow(number, {}, refusal=record)
            continue
        yield ImportRow(number, fields_of(record))


def fields_of(record: Mapping[str, str]) -> dict[str, object]:
    """Return the fields of a record under their API names."""
    read: dict[str, object] = {}
    for field, names in COLUMNS.items():
        name = next((name for name in names if record.get(name)), None)
        if name is not None:
            read[field] = record[name]
    domain, code = split_short_url(str(read.pop("shortUrl", "")))
    read.setdefault("customSlug", code)
    read.setdefault("domain", domain)
    for field in (DATE_CREATED, "validSince", "validUntil"):
        read[field] = read_moment(read.get(field))
    read["tags"] = split_tags(str(read.get("tags", "")))
    return drop_empty(read)


def split_tags(text: str) -> list[str]:
    """Split tags at bars; where there are none, at commas or semicolons."""
    separator = next((mark for mark in "|,;" if mark in text), "|")
    return [tag for tag in (part.strip() for part in text.split(separator)) if tag]
