"""The kinds of problem details: which status each has, and its members beside the usual four."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from shortener.problems import TYPE_PREFIX


class Problem(msgspec.Struct):
    """What is wrong; each kind may have more members, by which programs can tell details."""

    type: str
    title: str
    detail: str
    status: int


class _Kind(msgspec.Struct, frozen=True):
    status: int
    members: tuple[tuple[Any, ...], ...] = ()
    """Names and types as in `msgspec.defstruct`: what may be missing has `UNSET` as default."""


_OF_DOMAIN = ("domain", str | msgspec.UnsetType, msgspec.UNSET)

PROBLEMS: Mapping[str, _Kind] = {
    "invalid-data": _Kind(400, (("invalidElements", list[str]), ("reasons", dict[str, str]))),
    "malformed-request-body": _Kind(400),
    "bad-request": _Kind(400),
    "non-unique-slug": _Kind(400, (("customSlug", str), _OF_DOMAIN)),
    "unreadable-import": _Kind(400),
    "missing-authentication": _Kind(
        401,
        (
            ("expectedHeaders", list[str] | msgspec.UnsetType, msgspec.UNSET),
            ("param", str | msgspec.UnsetType, msgspec.UNSET),
        ),
    ),
    "invalid-api-key": _Kind(401),
    "forbidden": _Kind(403),
    "forbidden-tag-operation": _Kind(403),
    "short-url-not-found": _Kind(404, (("shortCode", str), _OF_DOMAIN)),
    "tag-not-found": _Kind(404, (("tag", str),)),
    "domain-not-found": _Kind(404, (("authority", str),)),
    "not-found": _Kind(404),
    "method-not-allowed": _Kind(405),
    "tag-conflict": _Kind(409, (("oldName", str), ("newName", str))),
    "precondition-failed": _Kind(412),
    "payload-too-large": _Kind(413),
    "uri-too-long": _Kind(414),
    "invalid-short-url-deletion": _Kind(422, (("shortCode", str), ("threshold", int), _OF_DOMAIN)),
    "idempotency-key-reused": _Kind(422, (("idempotencyKey", str),)),
    "too-many-requests": _Kind(429),
    "headers-too-large": _Kind(431),
    "internal-server-error": _Kind(500),
    "mercure-not-configured": _Kind(501),
    "service-unavailable": _Kind(503),
    "gateway-timeout": _Kind(504),
}


def _constant(value: object) -> msgspec.Meta:
    return msgspec.Meta(extra_json_schema={"const": value})


def _struct(kind: str) -> type[msgspec.Struct]:
    status, members = PROBLEMS[kind].status, PROBLEMS[kind].members
    return msgspec.defstruct(
        "".join(map(str.capitalize, kind.split("-"))) + "Problem",
        [
            ("type", Annotated[str, _constant(TYPE_PREFIX + kind)]),
            ("title", str),
            ("detail", str),
            ("status", Annotated[int, _constant(status)]),
            *members,
        ],
        module=__name__,
        kw_only=True,
    )


STRUCTS: Mapping[str, type[msgspec.Struct]] = {kind: _struct(kind) for kind in PROBLEMS}
"""By kind the type of its JSON object."""
