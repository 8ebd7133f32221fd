"""Settings of the shortener; .env.example has each one with its meaning."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from shared.domain_name import DomainRefusedError, parse_domain
from shared.link_cache import LinkCacheSettings
from shared.pool_budget import ReplicaSettings
from shared.settings import (
    DatabaseSettings,
    DefaultRedirectSettings,
    HttpSettings,
    LogSettings,
    RedisSettings,
    Secret,
)
from shared.trace_settings import OtelSettings
from shortener.rate_limit import RateLimitSettings
from shortener.url_policy import NEVER_ALLOWED_SCHEMES

MIN_API_KEY_LENGTH = 16

_Scheme = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9+.-]*$")]


class CountFoldingSettings(msgspec.Struct, frozen=True):
    """How much may be done for the counts that lists are ordered by."""

    share: Annotated[float, msgspec.Meta(gt=0, le=0.9)] = 0.03
    """Of a shortener's time; what it does not suffice for makes these counts late."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All of them."""

    instance: str = ""
    http: HttpSettings
    log: LogSettings
    otel: OtelSettings
    database: DatabaseSettings
    redis: RedisSettings
    link_cache: LinkCacheSettings
    rate_limit: RateLimitSettings
    replicas: ReplicaSettings
    count_folding: CountFoldingSettings
    default: DefaultRedirectSettings
    default_domain: str
    """`host` or `host:port` of short URLs without a domain of their own; kept canonical."""
    public_scheme: Literal["http", "https"] = "https"
    initial_api_key: Secret | None = None
    """The key that is made where there is none yet."""
    url_schemes: Annotated[tuple[_Scheme, ...], msgspec.Meta(min_length=1)] = ("http", "https")
    short_code_length: Annotated[int, msgspec.Meta(ge=4, le=32)] = 7
    delete_short_url_threshold: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """A short URL with this many visits can no longer be deleted; by default none is kept."""
    idempotency_key_ttl_s: Annotated[int, msgspec.Meta(ge=1)] = 86_400
    """How long an answer is kept for requests that repeat its `Idempotency-Key`."""
    audit_log_retention_days: Annotated[int, msgspec.Meta(ge=0)] = 365
    """How long the audit log remembers; 0 for ever."""
    blocked_domains_file: Path | None = None
    """Domains that no link may lead to; read again when it changes."""

    cors_allow_origins: tuple[str, ...] = ("*",)
    """Origins whose web pages may call the API; `*` for all."""

    def __post_init__(self) -> None:
        problems = [*self._bad_domain(), *self._bad_key(), *self._bad_schemes()]
        if problems:
            raise ValueError(*problems)
        canonical = parse_domain(self.default_domain, self.public_scheme)
        msgspec.structs.force_setattr(self, "default_domain", canonical)

    def _bad_domain(self) -> list[str]:
        try:
            parse_domain(self.default_domain, self.public_scheme)
        except DomainRefusedError as error:
            return [f"DEFAULT_DOMAIN: {error}, got {self.default_domain!r}"]
        return []

    def _bad_key(self) -> list[str]:
        key = self.initial_api_key
        if key is None or len(key.reveal()) >= MIN_API_KEY_LENGTH:
            return []
        return [f"INITIAL_API_KEY: must have at least {MIN_API_KEY_LENGTH} characters"]

    def _bad_schemes(self) -> list[str]:
        never = sorted(NEVER_ALLOWED_SCHEMES.intersection(self.url_schemes))
        return [f"URL_SCHEMES: {', '.join(never)} can never be allowed"] if never else []
