"""Settings of a redirector; .env.example has each one with its meaning."""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from redirector.scan_limit import Network
from shared.link_cache import LinkCacheSettings
from shared.pool_budget import ReplicaSettings
from shared.settings import (
    AmqpSettings,
    DatabaseSettings,
    HttpSettings,
    LogSettings,
    RedisSettings,
    Secret,
)

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


class LimitSettings(msgspec.Struct, frozen=True):
    """What a visitor may do, and for whom no limit counts; `none` exempts nobody."""

    unknown_per_minute: Annotated[int, msgspec.Meta(ge=0)] = 300
    exempt: tuple[str, ...] = (
        "127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7",
        "fe80::/10",
    )  # fmt: skip

    def __post_init__(self) -> None:
        try:
            self.exempt_networks()
        except ValueError as error:
            raise ValueError(f"LIMIT_EXEMPT: {error}") from None

    def exempt_networks(self) -> list[Network]:
        """Return the networks that are exempt."""
        given = () if self.exempt == ("none",) else self.exempt
        return [ipaddress.ip_network(network, strict=False) for network in given]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All of them."""

    instance: str = ""
    http: HttpSettings
    log: LogSettings
    database: DatabaseSettings
    database_read_url: Secret | None = None
    redis: RedisSettings
    amqp: AmqpSettings
    link_cache: LinkCacheSettings
    replicas: ReplicaSettings
    lookup: LookupSettings
    spool: SpoolSettings
    publish: PublishSettings
    track: TrackSettings
    limit: LimitSettings
    default_domain: Annotated[str, msgspec.Meta(min_length=1)]
    public_scheme: Literal["http", "https"] = "https"
    max_waiting_visitors: Annotated[int, msgspec.Meta(ge=1)] = 2000
    redirect_status: Literal[301, 302, 307, 308] = 302
    visitor_hash_key: Secret
