"""Tags, and the domains of short URLs."""

from typing import Annotated, get_args

from msgspec import UNSET, Meta, Struct, UnsetType, field

from shortener.domains import MAX_REDIRECT_LENGTH, DomainList, Redirects
from shortener.openapi import members as m
from shortener.openapi.operation import Operation, Operations, answer, json_body, nothing, within
from shortener.pagination import Page
from shortener.tag_names import MAX_LENGTH
from shortener.tag_query import MAX_TAGS_PER_PAGE, OrderField, TagInfo

_ORDERS = [f"{name}{way}" for name in get_args(OrderField) for way in ("", "-ASC", "-DESC")]
_Name = Annotated[str, Meta(min_length=1, max_length=MAX_LENGTH)]
_Redirect = (
    Annotated[str, Meta(max_length=MAX_REDIRECT_LENGTH, description="null takes it away.")]
    | UnsetType
    | None
)


class TagListQuery(Struct, rename="camel", kw_only=True):
    """Which tags, in which order, and which page of them."""

    page: m.Page = 1
    items_per_page: Annotated[
        int | UnsetType, Meta(description=f"All, at most {MAX_TAGS_PER_PAGE:,}, unless given.")
    ] = UNSET
    search_term: Annotated[str | UnsetType, Meta(description="A part of the name.")] = UNSET
    order_by: Annotated[str, m.one_of(_ORDERS, "The field, and the direction.")] = "tag"


class TagRenaming(Struct, rename="camel"):
    """Names are taken as they are, capitals too."""

    old_name: _Name
    new_name: _Name


class TagDeletion(Struct, rename="camel"):
    """Which tags; names that no tag has are passed over."""

    tags: list[str] = field(default_factory=list, name="tags[]")


class DomainRedirects(Struct, rename="camel", kw_only=True):
    """Where a domain sends visitors it has no short URL for; what is absent stays."""

    domain: Annotated[str, Meta(min_length=1, description="Host, host:port, or `DEFAULT`.")]
    base_url_redirect: _Redirect = UNSET
    regular_404_redirect: _Redirect = UNSET
    invalid_short_url_redirect: _Redirect = UNSET


TAGS: Operations = {
    ("GET", "/tags"): Operation(
        name="listTags",
        summary="List tags",
        query=(TagListQuery,),
        answers=within("tags", Page[str]),
    ),
    ("PUT", "/tags"): Operation(
        name="renameTag",
        summary="Rename a tag",
        body=json_body(TagRenaming, {"oldName": "sale", "newName": "spring-sale"}),
        answers=nothing("Renamed."),
        problems=("tag-not-found", "tag-conflict", "forbidden-tag-operation"),
    ),
    ("DELETE", "/tags"): Operation(
        name="deleteTags",
        summary="Delete tags from all short URLs",
        query=(TagDeletion,),
        answers=nothing("Deleted."),
        problems=("forbidden-tag-operation",),
    ),
    ("GET", "/tags/stats"): Operation(
        name="listTagStats",
        summary="List tags with their short URLs and visits",
        query=(TagListQuery,),
        answers=within("tags", Page[TagInfo]),
    ),
}

_REDIRECTS_EXAMPLE = {
    "domain": "s.example.com",
    "baseUrlRedirect": "https://example.org/",
    "regular404Redirect": "https://example.org/not-found",
    "invalidShortUrlRedirect": None,
}

DOMAINS: Operations = {
    ("GET", "/domains"): Operation(
        name="listDomains",
        summary="List domains, the default one first",
        answers=within("domains", DomainList),
    ),
    ("PATCH", "/domains/redirects"): Operation(
        name="changeDomainRedirects",
        summary="Change where a domain sends visitors it has no short URL for",
        description="A domain that is not known yet is created.",
        body=json_body(DomainRedirects, _REDIRECTS_EXAMPLE),
        answers=answer(Redirects, "As they are now."),
        problems=("domain-not-found",),
    ),
}
