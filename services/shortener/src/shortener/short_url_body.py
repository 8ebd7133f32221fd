"""The bodies that create and edit a short URL, validated field by field."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from msgspec import UNSET, UnsetType

from shared.domain_name import DomainRefusedError, is_loopback, parse_domain
from shared.short_code import MAX_LENGTH as MAX_CODE_LENGTH
from shared.short_code import is_reserved, is_well_formed
from shortener.named_domain import DEFAULT_NAME
from shortener.request_fields import MAX_INTEGER, Fields, given
from shortener.tag_names import read_tags
from shortener.url_policy import LongUrl, LongUrlRefusedError, leads_back, parse_long_url

T = TypeVar("T")

MAX_TITLE_LENGTH = 512
MIN_RANDOM_LENGTH, MAX_RANDOM_LENGTH = 4, 32

_REFUSED_URL = LongUrl(href="", authority="")  # stands in until the bad fields end the request
_SLUG_RULE = (
    f"must be 1 to {MAX_CODE_LENGTH} characters, without white space, control characters and any"
    ' of : ? # [ ] @ % \\ " < > ^ ` { | }'
)
_MAX_PREFIX_LENGTH = MAX_CODE_LENGTH - 2 * MAX_RANDOM_LENGTH


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortUrlCreation:
    """What a short URL is made of; null and absent mean the same here."""

    long_url: LongUrl
    custom_slug: str | None
    """With the prefix before it."""
    path_prefix: str
    short_code_length: int
    domain: str
    """'' for the default domain."""
    tags: tuple[str, ...]
    title: str | None
    valid_since: datetime | None
    valid_until: datetime | None
    max_visits: int | None
    crawlable: bool
    forward_query: bool
    find_if_exists: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortUrlEdit:
    """What changes in a short URL: absent stays as it is, null resets what may be null."""

    long_url: LongUrl | UnsetType = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    title: str | UnsetType | None = UNSET
    valid_since: datetime | UnsetType | None = UNSET
    valid_until: datetime | UnsetType | None = UNSET
    max_visits: int | UnsetType | None = UNSET
    crawlable: bool | UnsetType = UNSET
    forward_query: bool | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyReader:
    """Reads bodies under one configuration; what is bad is noted in the `Fields`."""

    default_domain: str
    public_scheme: str
    url_schemes: tuple[str, ...]
    short_code_length: int
    renamed_tags: Collection[str] = ()
    """Names of tags that are not spelt as others, and are meant where they are given."""

    def creation(self, fields: Fields) -> ShortUrlCreation:
        """Read the body of a POST."""
        long_url = self._long_url(fields)
        if long_url is UNSET:
            fields.refuse("longUrl", "is required")
        elif long_url is None:
            fields.refuse("longUrl", "must not be empty")
        slug, prefix = _code(fields)
        domain = self._domain(fields)
        target = given(long_url, _REFUSED_URL)
        if domain and target.authority == domain:
            fields.refuse("longUrl", leads_back(domain))
        tags, title = self._tags(fields), _title(fields)
        since, until = _or_none(fields.moment("validSince")), _or_none(fields.moment("validUntil"))
        if since is not None and until is not None and until < since:
            fields.refuse("validUntil", "is before validSince")
        return ShortUrlCreation(
            long_url=target,
            custom_slug=slug,
            path_prefix=prefix,
            short_code_length=self._random_length(fields),
            domain=domain,
            tags=given(tags, ()),
            title=_or_none(title),
            valid_since=since,
            valid_until=until,
            max_visits=_or_none(_max_visits(fields)),
            crawlable=given(fields.boolean("crawlable"), False),
            forward_query=given(fields.boolean("forwardQuery"), True),
            find_if_exists=given(fields.boolean("findIfExists"), False),
        )

    def edit(self, fields: Fields) -> ShortUrlEdit:
        """Read the body of a PATCH."""
        long_url = self._long_url(fields)
        tags, title = self._tags(fields), _title(fields)
        since, until = fields.moment("validSince"), fields.moment("validUntil")
        return ShortUrlEdit(
            long_url=_or_unset(long_url),
            tags=UNSET if tags is None else tags,
            title=title,
            valid_since=since,
            valid_until=until,
            max_visits=_max_visits(fields),
            crawlable=_or_unset(fields.boolean("crawlable")),
            forward_query=_or_unset(fields.boolean("forwardQuery")),
        )

    def _long_url(self, fields: Fields) -> LongUrl | UnsetType | None:
        text = fields.text("longUrl")
        if not isinstance(text, str):
            return text
        try:
            long_url = parse_long_url(text, self.url_schemes)
        except LongUrlRefusedError as error:
            fields.refuse("longUrl", str(error))
            return _REFUSED_URL
        if long_url.authority == self.default_domain:
            fields.refuse("longUrl", leads_back(long_url.authority))
        return long_url

    def _tags(self, fields: Fields) -> tuple[str, ...] | UnsetType | None:
        return read_tags(fields, renamed=self.renamed_tags)

    def _domain(self, fields: Fields) -> str:
        text = given(fields.text("domain"), "")
        if text in ("", DEFAULT_NAME):
            return ""
        try:
            domain = parse_domain(text, self.public_scheme)
        except DomainRefusedError as error:
            fields.refuse("domain", str(error))
            return ""
        if domain == self.default_domain:
            return ""
        if is_loopback(domain):
            fields.refuse("domain", "is a loopback address")
        return domain

    def _random_length(self, fields: Fields) -> int:
        length = fields.integer("shortCodeLength", MIN_RANDOM_LENGTH, MAX_RANDOM_LENGTH)
        return given(length, self.short_code_length)


def _code(fields: Fields) -> tuple[str | None, str]:
    """Read the custom slug (with its prefix) and the prefix of a random code."""
    given_slug = fields.text("customSlug")
    prefix = _clean(given(fields.text("pathPrefix"), ""))
    if isinstance(given_slug, str):
        slug = prefix + _clean(given_slug)
        if not given_slug:
            fields.refuse("customSlug", "must not be empty")
        elif not is_well_formed(slug):
            fields.refuse("customSlug", _SLUG_RULE)
        elif is_reserved(slug):
            fields.refuse("customSlug", "is reserved")
        return slug, prefix
    if prefix and not (is_well_formed(prefix) and len(prefix) <= _MAX_PREFIX_LENGTH):
        reason = f"must be at most {_MAX_PREFIX_LENGTH} characters that a slug may have"
        fields.refuse("pathPrefix", reason)
    elif prefix.startswith("."):
        fields.refuse("pathPrefix", "must not begin with a dot")
    return None, prefix


def _clean(text: str) -> str:
    return text.replace(" ", "-").replace("/", "-")


def _title(fields: Fields) -> str | UnsetType | None:
    title = fields.text("title")
    return title[:MAX_TITLE_LENGTH] or None if isinstance(title, str) else title


def _max_visits(fields: Fields) -> int | UnsetType | None:
    return fields.integer("maxVisits", 1, MAX_INTEGER)


def _or_none(value: T | UnsetType | None) -> T | None:
    return None if isinstance(value, UnsetType) else value


def _or_unset(value: T | UnsetType | None) -> T | UnsetType:
    return UNSET if value is None else value
