"""Many short URLs at once: batch, upsert, import, export."""

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from shortener.exports import LINK_COLUMNS
from shortener.link_import.formats import FORMATS
from shortener.openapi import members as m
from shortener.openapi.operation import JSON, Content, Operation, Operations, json_body
from shortener.openapi.problem_types import Problem
from shortener.openapi.short_urls import ShortUrlCreation
from shortener.short_url import ShortUrl
from shortener.short_url_batch import MAX_ITEMS
from shortener.short_url_import import SERVER_FORMAT


class Batch(Struct, rename="camel"):
    """Creations, answered as if they came one after the other."""

    short_urls: Annotated[list[ShortUrlCreation], Meta(min_length=1, max_length=MAX_ITEMS)]


class BatchItem(Struct, rename="camel", kw_only=True):
    """What became of one creation."""

    index: int
    outcome: Literal["created", "found", "problem"]
    short_url: ShortUrl | UnsetType = UNSET
    problem: Problem | UnsetType = UNSET


class BatchSummary(Struct):
    """How many there are of each outcome."""

    created: int
    found: int
    problem: int


class BatchResults(Struct):
    """A result for each creation, in their order."""

    results: Sequence[BatchItem]
    summary: BatchSummary


class UpsertBody(ShortUrlCreation, kw_only=True, rename="camel"):
    """As for a creation. If the short URL is there, what is absent stays as it is."""

    custom_slug: m.CustomSlug


class Upserted(Struct, rename="camel"):
    """The short URL, and whether it was there."""

    outcome: Literal["created", "edited"]
    short_url: ShortUrl


class ImportQuery(Struct, rename="camel"):
    """What the body is."""

    format: Annotated[str, m.one_of((*FORMATS, SERVER_FORMAT), "Where it comes from.")]
    domain: Annotated[str | UnsetType, Meta(description="Take all links over to this domain.")] = (
        UNSET
    )


class ShlinkServer(Struct, rename="camel"):
    """A server of Shlink's, to be read by this one; for keys that may do everything."""

    base_url: str
    api_key: str


class ExportQuery(Struct, rename="camel"):
    """How it is written."""

    format: m.ExportFormat = "csv"


_EXPORT = "`Content-Disposition` names a file. Columns, or members of each line: "


def export_content(columns: Sequence[str]) -> Content:
    """Say that the answer is a table of these columns."""
    return Content(
        _EXPORT + ", ".join(f"`{name}`" for name in columns) + ".",
        {"text/csv": str, "application/x-ndjson": str},
        ("Content-Disposition",),
    )


_UPSERTED = {JSON: Upserted}

_BATCH_EXAMPLE = {
    "shortUrls": [
        {"longUrl": "https://example.org/shirts", "customSlug": "shirts", "tags": ["shop"]},
        {"longUrl": "https://example.org/shoes", "tags": ["shop"]},
    ]
}
_UPSERT_EXAMPLE = {
    "customSlug": "price-list",
    "longUrl": "https://example.org/prices/2026.pdf",
    "title": "Price list",
    "tags": ["print"],
}
_SERVER_EXAMPLE = {"baseUrl": "https://s.example.org", "apiKey": "key-of-that-server"}

MANY_SHORT_URLS: Operations = {
    ("POST", "/short-urls/batch"): Operation(
        name="createShortUrls",
        summary="Create many short URLs",
        headers=("Idempotency-Key",),
        body=json_body(Batch, _BATCH_EXAMPLE),
        answers={
            200: Content("A result for each.", {JSON: BatchResults}, ("Idempotency-Replayed",))
        },
        problems=("idempotency-key-reused",),
    ),
    ("PUT", "/short-urls/upsert"): Operation(
        name="upsertShortUrl",
        summary="Create or edit the short URL of a slug",
        headers=("Idempotency-Key", "If-Match", "If-None-Match"),
        body=json_body(UpsertBody, _UPSERT_EXAMPLE),
        answers={
            200: Content("Edited.", _UPSERTED, ("Idempotency-Replayed", "ETag")),
            201: Content("Created.", _UPSERTED, ("Idempotency-Replayed", "ETag")),
        },
        problems=("non-unique-slug", "precondition-failed", "idempotency-key-reused"),
    ),
    ("POST", "/short-urls/import"): Operation(
        name="importShortUrls",
        summary="Import short URLs from elsewhere",
        description=(
            "The body is a file of that format; for `shlink-server` it says where the server is."
            " The answer comes line by line while it is read: `note` of a row that was skipped or"
            " lost something, `progress` after each transaction, at last `done` or `error`."
        ),
        query=(ImportQuery,),
        body=Content(
            "", {"application/octet-stream": bytes, JSON: ShlinkServer}, example=_SERVER_EXAMPLE
        ),
        answers={200: Content("What became of the rows.", {"application/x-ndjson": str})},
        problems=("unreadable-import", "forbidden"),
    ),
    ("GET", "/short-urls/export"): Operation(
        name="exportShortUrls",
        summary="Export all short URLs",
        query=(ExportQuery,),
        answers={200: export_content(LINK_COLUMNS)},
    ),
}
