"""Types of query parameters and body members that several operations have."""

from collections.abc import Iterable
from typing import Annotated, get_args

from msgspec import Meta, UnsetType

from shared.short_code import MAX_LENGTH as MAX_CODE_LENGTH
from shortener.export_format import Format
from shortener.request_fields import MAX_INTEGER
from shortener.url_policy import MAX_LENGTH as MAX_URL_LENGTH
from shortener.visit_scope import ORPHAN_TYPES


def one_of(words: Iterable[str], description: str) -> Meta:
    """Say that a text is one of these words."""
    return Meta(description=description, extra_json_schema={"enum": list(words)})


Page = Annotated[
    int, Meta(ge=-MAX_INTEGER, le=MAX_INTEGER, description="Number of the page, from 1.")
]
StartDate = Annotated[
    str | UnsetType,
    Meta(
        description="Not before this moment, or `YYYY-MM-DD`, midnight in UTC.",
        extra_json_schema={"format": "date-time"},
    ),
]
EndDate = Annotated[
    str | UnsetType,
    Meta(
        description="Not after this moment, to the second, or `YYYY-MM-DD`, midnight in UTC.",
        extra_json_schema={"format": "date-time"},
    ),
]
Moment = Annotated[
    str,
    Meta(
        description="Or `YYYY-MM-DD`, midnight in UTC.", extra_json_schema={"format": "date-time"}
    ),
]
ExcludeBots = Annotated[
    str | UnsetType,
    Meta(description="Leave bots out; that it is there counts."),
]
DomainFilter = Annotated[
    str | UnsetType, Meta(description="Only of this domain; `DEFAULT` is the default one.")
]
OfDomain = Annotated[
    str | UnsetType,
    Meta(description="Domain of the short URL, if it is not the default one."),
]
LongUrl = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_URL_LENGTH,
        description="Where it leads; stored normalised.",
        examples=["https://example.org/a?b=1"],
        extra_json_schema={"format": "uri"},
    ),
]
CustomSlug = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_CODE_LENGTH,
        description="The short code; spaces and slashes in it become hyphens.",
        examples=["spring-sale"],
    ),
]
ExportFormat = Annotated[str, one_of(get_args(Format), "How rows are written.")]
OrphanType = Annotated[str | UnsetType, one_of(ORPHAN_TYPES, "Only of this kind.")]

PATH_PARAMETERS = {
    "shortCode": "Short code, percent-encoded.",
    "tag": "Name of a tag; its slashes may stay.",
    "domain": "Host, or host:port; `DEFAULT` is the default domain.",
}
