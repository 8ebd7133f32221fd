"""What a short URL has beside itself: its redirect rules and its QR code."""

from typing import Annotated, get_args

from msgspec import UNSET, Meta, Struct

from shortener.condition_types import CONDITION_TYPES, MAX_KEY_LENGTH, MAX_VALUE_LENGTH
from shortener.openapi import members as m
from shortener.openapi.operation import Content, Operation, Operations, answer, json_body
from shortener.openapi.short_urls import OneShortUrlQuery
from shortener.qr_code import MAX_MARGIN, MAX_SIZE, MIN_SIZE, ErrorCorrection
from shortener.qr_codes import MEDIA_TYPES
from shortener.redirect_rules import RuleList
from shortener.redirect_rules_body import MAX_CONDITIONS, MAX_RULES


class RuleCondition(Struct, rename="camel"):
    """What must hold of a visitor; the type says which of the two others it needs."""

    type: Annotated[str, m.one_of(CONDITION_TYPES, "What of the visitor is looked at.")]
    match_key: (
        Annotated[str, Meta(max_length=MAX_KEY_LENGTH, description="Name of a query parameter.")]
        | None
    ) = None
    match_value: (
        Annotated[str, Meta(max_length=MAX_VALUE_LENGTH, description="What it is compared with.")]
        | None
    ) = None


class Rule(Struct, rename="camel"):
    """Where visitors are led of whom all conditions hold."""

    long_url: m.LongUrl
    conditions: Annotated[list[RuleCondition], Meta(min_length=1, max_length=MAX_CONDITIONS)]


class RedirectRulesBody(Struct, rename="camel"):
    """All rules of a short URL, the first that matches first; none takes them away."""

    redirect_rules: Annotated[list[Rule], Meta(max_length=MAX_RULES)]


class QrCodeQuery(Struct, rename="camel", kw_only=True):
    """How it looks."""

    domain: m.OfDomain = UNSET
    format: Annotated[str, m.one_of(MEDIA_TYPES, "Vectors or pixels.")] = "svg"
    size: Annotated[int, Meta(ge=MIN_SIZE, le=MAX_SIZE, description="Width in pixels.")] = 300
    margin: Annotated[int, Meta(ge=0, le=MAX_MARGIN, description="In modules.")] = 4
    error_correction: Annotated[
        str, m.one_of(get_args(ErrorCorrection), "How much of it may be unreadable.")
    ] = "M"


_UNKNOWN = ("short-url-not-found",)
_RULES_EXAMPLE = {
    "redirectRules": [
        {
            "longUrl": "https://example.org/app/android",
            "conditions": [
                {"type": "device", "matchValue": "android"},
                {"type": "language", "matchValue": "de"},
            ],
        }
    ]
}


def _set(name: str, summary: str) -> Operation:
    return Operation(
        name=name,
        summary=summary,
        description="An unknown short URL is told before a bad body.",
        query=(OneShortUrlQuery,),
        body=json_body(RedirectRulesBody, _RULES_EXAMPLE),
        answers=answer(RuleList, "As they are now."),
        problems=_UNKNOWN,
    )


SHORT_URL_PARTS: Operations = {
    ("GET", "/short-urls/{shortCode}/redirect-rules"): Operation(
        name="getRedirectRules",
        summary="Get the redirect rules of a short URL",
        query=(OneShortUrlQuery,),
        answers=answer(RuleList, "In their order."),
        problems=_UNKNOWN,
    ),
    ("POST", "/short-urls/{shortCode}/redirect-rules"): _set(
        "setRedirectRules", "Replace the redirect rules of a short URL"
    ),
    ("PATCH", "/short-urls/{shortCode}/redirect-rules"): _set(
        "patchRedirectRules", "The same: they are replaced"
    ),
    ("GET", "/short-urls/{shortCode}/qr-code"): Operation(
        name="getQrCode",
        summary="Draw the QR code of a short URL",
        query=(QrCodeQuery,),
        answers={200: Content("The image.", dict.fromkeys(MEDIA_TYPES.values(), bytes))},
        problems=_UNKNOWN,
    ),
}
