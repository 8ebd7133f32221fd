"""Short URLs one by one, and the list of them."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from shortener.openapi import members as m
from shortener.openapi.operation import (
    JSON,
    Content,
    Operation,
    Operations,
    answer,
    json_body,
    nothing,
    within,
)
from shortener.pagination import Page
from shortener.request_fields import MAX_INTEGER
from shortener.short_url import ShortUrl
from shortener.short_url_body import MAX_RANDOM_LENGTH, MIN_RANDOM_LENGTH
from shortener.short_url_list import DEFAULT_ITEMS_PER_PAGE, MAX_ITEMS_PER_PAGE, MODES, ORDERS
from shortener.tag_names import MAX_LENGTH as MAX_TAG_LENGTH
from shortener.tag_names import MAX_TAGS

Tag = Annotated[str, Meta(max_length=MAX_TAG_LENGTH)]
Tags = Annotated[
    list[Tag],
    Meta(
        max_length=MAX_TAGS,
        description="Lower-cased, hyphens for spaces, unless a tag has the very name.",
    ),
]
Title = Annotated[str, Meta(description="Cropped to 512 characters.")]
MaxVisits = Annotated[
    int, Meta(ge=1, le=MAX_INTEGER, description="How many visits are redirected; exact.")
]


class ShortUrlCreation(Struct, rename="camel", kw_only=True):
    """What a short URL is made of; unknown members are ignored."""

    long_url: m.LongUrl
    custom_slug: m.CustomSlug | None = None
    path_prefix: Annotated[
        str, Meta(max_length=64, description="Put before the slug or the random code.")
    ] = ""
    short_code_length: (
        Annotated[
            int, Meta(ge=MIN_RANDOM_LENGTH, le=MAX_RANDOM_LENGTH, description="Of a random code.")
        ]
        | UnsetType
    ) = UNSET
    domain: Annotated[str, Meta(description="Host, or host:port; new ones are created.")] = ""
    tags: Tags = field(default_factory=list)
    title: Title | None = None
    valid_since: m.Moment | None = None
    valid_until: m.Moment | None = None
    max_visits: MaxVisits | None = None
    crawlable: Annotated[bool, Meta(description="Allowed in robots.txt.")] = False
    forward_query: Annotated[
        bool, Meta(description="The visitor's query string is merged over the long URL's.")
    ] = True
    find_if_exists: Annotated[
        bool, Meta(description="Answer with the oldest that has all that is given, if any.")
    ] = False


class ShortUrlEdit(Struct, rename="camel", kw_only=True):
    """What is absent stays; null takes away dates, limit and title, and else is as if absent."""

    long_url: m.LongUrl | UnsetType | None = UNSET
    tags: Tags | UnsetType | None = UNSET
    title: Title | UnsetType | None = UNSET
    valid_since: m.Moment | UnsetType | None = UNSET
    valid_until: m.Moment | UnsetType | None = UNSET
    max_visits: MaxVisits | UnsetType | None = UNSET
    crawlable: bool | UnsetType | None = UNSET
    forward_query: bool | UnsetType | None = UNSET


class ShortUrlListQuery(Struct, rename="camel", kw_only=True):
    """Which short URLs, in which order, and which page of them."""

    page: m.Page = 1
    items_per_page: Annotated[
        int, Meta(description=f"-1 is all; a page has at most {MAX_ITEMS_PER_PAGE:,}.")
    ] = DEFAULT_ITEMS_PER_PAGE
    search_term: Annotated[
        str | UnsetType, Meta(description="In long URL, short code, title, domain and tags.")
    ] = UNSET
    tags: list[Tag] = field(default_factory=list, name="tags[]")
    tags_mode: Annotated[str, m.one_of(MODES, "Any of the tags, or all.")] = "any"
    exclude_tags: list[Tag] = field(default_factory=list, name="excludeTags[]")
    exclude_tags_mode: Annotated[str, m.one_of(MODES, "Any of the tags, or all.")] = "any"
    start_date: m.StartDate = UNSET
    end_date: m.EndDate = UNSET
    exclude_max_visits_reached: bool = False
    exclude_past_valid_until: bool = False
    domain: m.DomainFilter = UNSET
    api_key_name: Annotated[
        str | UnsetType, Meta(description="Only created with the key of this name.")
    ] = UNSET
    order_by: Annotated[str, m.one_of(ORDERS, "The field to order by, and the direction.")] = (
        "dateCreated-DESC"
    )


class OneShortUrlQuery(Struct, rename="camel"):
    """Which of the short URLs that have the code."""

    domain: m.OfDomain = UNSET


class ShortenQuery(Struct, rename="camel", kw_only=True):
    """All of the request."""

    long_url: m.LongUrl
    format: Annotated[
        str | UnsetType, m.one_of(("json", "txt"), "Otherwise as `Accept` says.")
    ] = UNSET


_UNKNOWN = ("short-url-not-found",)
_CREATION_EXAMPLE = {
    "longUrl": "https://example.org/offers?season=spring",
    "customSlug": "spring-sale",
    "tags": ["sale"],
    "title": "Spring sale",
    "maxVisits": 10_000,
}
_EDIT_EXAMPLE = {"longUrl": "https://example.org/offers/summer", "maxVisits": None}

SHORT_URLS: Operations = {
    ("GET", "/short-urls"): Operation(
        name="listShortUrls",
        summary="List short URLs",
        query=(ShortUrlListQuery,),
        answers=within("shortUrls", Page[ShortUrl]),
    ),
    ("POST", "/short-urls"): Operation(
        name="createShortUrl",
        summary="Create a short URL",
        headers=("Idempotency-Key",),
        body=json_body(ShortUrlCreation, _CREATION_EXAMPLE),
        answers={200: Content("Created, or found.", {JSON: ShortUrl}, ("Idempotency-Replayed",))},
        problems=("non-unique-slug", "idempotency-key-reused"),
    ),
    ("GET", "/short-urls/shorten"): Operation(
        name="shorten",
        summary="Create a short URL in one step",
        key="query",
        query=(ShortenQuery,),
        answers={200: Content("Created.", {JSON: ShortUrl, "text/plain": str})},
    ),
    ("GET", "/short-urls/{shortCode}"): Operation(
        name="getShortUrl",
        summary="Get a short URL",
        query=(OneShortUrlQuery,),
        answers=answer(ShortUrl, "Found."),
        problems=_UNKNOWN,
    ),
    ("PATCH", "/short-urls/{shortCode}"): Operation(
        name="editShortUrl",
        summary="Edit a short URL",
        description="A bad body is told before an unknown short URL.",
        headers=("If-Match",),
        query=(OneShortUrlQuery,),
        body=json_body(ShortUrlEdit, _EDIT_EXAMPLE),
        answers=answer(ShortUrl, "As it is now."),
        problems=(*_UNKNOWN, "precondition-failed"),
    ),
    ("DELETE", "/short-urls/{shortCode}"): Operation(
        name="deleteShortUrl",
        summary="Delete a short URL",
        description="Its visits stay, and count among those of all short URLs.",
        headers=("If-Match",),
        query=(OneShortUrlQuery,),
        answers=nothing("Deleted."),
        problems=(*_UNKNOWN, "precondition-failed", "invalid-short-url-deletion"),
    ),
}
