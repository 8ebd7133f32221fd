"""Settings of a redirector; .env.example has each one with its meaning."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from redirector.forwarded_path import Mode
from shared.address_pattern import AddressPattern, parse_pattern
from shared.domain_name import DomainRefusedError, parse_domain
from shared.exempt_networks import PRIVATE, Network, exempt_networks
from shared.link_cache import LinkCacheSettings
from shared.pool_budget import ReplicaSettings
from shared.settings import (
    AmqpSettings,
    DatabaseSettings,
    DefaultRedirectSettings,
    HttpSettings,
    LogSettings,
    RedisSettings,
    Secret,
)
from shared.store_url import DatabaseUrl

_Ms = Annotated[int, msgspec.Meta(ge=1, le=60_000)]


class SpoolSettings(msgspec.Struct, frozen=True):
    """Where clicks wait on disk for the broker, and how much of them."""

    dir: Path
    segment_bytes: Annotated[int, msgspec.Meta(ge=4096)] = 8 * 1024 * 1024
    max_bytes: Annotated[int, msgspec.Meta(ge=65_536)] = 4 * 1024 * 1024 * 1024
    fsync_ms: _Ms = 100


class PublishSettings(msgspec.Struct, frozen=True):
    """How clicks are joined into messages and how long the broker may take to confirm one."""

    max_clicks: Annotated[int, msgspec.Meta(ge=1, le=5000)] = 500
    linger_ms: _Ms = 100
    timeout_ms: _Ms = 5000
    drain_ms: _Ms = 5000


class LookupSettings(msgspec.Struct, frozen=True):
    """How long a lookup of links may take before it is given up."""

    redis_timeout_ms: _Ms = 50
    database_timeout_ms: _Ms = 1000


class TrackSettings(msgspec.Struct, frozen=True):
    """What is recorded of a click."""

    orphans: bool = True
    anonymize_ip: bool = True


class DisableSettings(msgspec.Struct, frozen=True):
    """Which visits leave no click."""

    track_param: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._~-]+$")] = "nostat"
    tracking_from: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        bad = []
        for text in self.tracking_from:
            try:
                parse_pattern(text)
            except ValueError as error:
                bad.append(f"DISABLE_TRACKING_FROM: {text!r} {error}")
        if bad:
            raise ValueError(*bad)

    @property
    def patterns(self) -> list[AddressPattern]:
        """Addresses that are not tracked."""
        return [parse_pattern(text) for text in self.tracking_from]


_AgentName = Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]+$")]


class RobotsSettings(msgspec.Struct, frozen=True):
    """What /robots.txt tells whom."""

    user_agents: Annotated[tuple[_AgentName, ...], msgspec.Meta(min_length=1)] = ("*",)
    allow_all_short_urls: bool = False


class GeoipSettings(msgspec.Struct, frozen=True):
    """Where visitors are looked up, if anywhere."""

    database: Path | None = None


class LimitSettings(msgspec.Struct, frozen=True):
    """What a visitor may do, and for whom no limit counts; `none` exempts nobody."""

    unknown_per_minute: Annotated[int, msgspec.Meta(ge=0)] = 300
    exempt: tuple[str, ...] = PRIVATE

    def __post_init__(self) -> None:
        self.exempt_networks()

    def exempt_networks(self) -> list[Network]:
        """Return the networks that are exempt."""
        return exempt_networks(self.exempt)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All of them."""

    instance: str = ""
    http: HttpSettings
    log: LogSettings
    database: DatabaseSettings
    database_read_url: DatabaseUrl | None = None
    redis: RedisSettings
    amqp: AmqpSettings
    link_cache: LinkCacheSettings
    replicas: ReplicaSettings
    lookup: LookupSettings
    spool: SpoolSettings
    publish: PublishSettings
    track: TrackSettings
    disable: DisableSettings
    default: DefaultRedirectSettings
    robots: RobotsSettings
    geoip: GeoipSettings
    limit: LimitSettings
    default_domain: Annotated[str, msgspec.Meta(min_length=1)]
    public_scheme: Literal["http", "https"] = "https"
    max_waiting_visitors: Annotated[int, msgspec.Meta(ge=1)] = 2000
    redirect_status: Literal[301, 302, 307, 308] = 302
    redirect_extra_path_mode: Mode = "default"
    visitor_hash_key: Secret

    def __post_init__(self) -> None:
        try:
            domain = parse_domain(self.default_domain, self.public_scheme)
        except DomainRefusedError as error:
            raise ValueError(f"DEFAULT_DOMAIN: {error}, got {self.default_domain!r}") from None
        msgspec.structs.force_setattr(self, "default_domain", domain)
