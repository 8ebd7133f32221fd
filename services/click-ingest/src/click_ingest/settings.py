"""Settings of a click-ingest worker; .env.example has each one with its meaning."""

from typing import Annotated

import msgspec

from shared.pool_budget import ReplicaSettings
from shared.settings import AmqpSettings, DatabaseSettings, HttpSettings, LogSettings
from shared.trace_settings import OtelSettings


class BatchSettings(msgspec.Struct, frozen=True):
    """When held clicks are written: whichever limit is reached first."""

    max_clicks: Annotated[int, msgspec.Meta(ge=1, le=50_000)] = 5000
    """Clicks in one transaction."""
    max_age_ms: Annotated[int, msgspec.Meta(ge=1, le=60_000)] = 250
    """How long the oldest click of a batch waits; the bound on how late reports are."""


class IngestSettings(msgspec.Struct, frozen=True):
    """How much is taken from the broker, and how much poison is too much."""

    prefetch: Annotated[int, msgspec.Meta(ge=2, le=2000)] = 50
    """Messages held unacknowledged; half of them at most make one batch."""
    poison_share_limit: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.1
    """Share of poison among the newest clicks above which the worker stops; 1 never stops."""
    poison_window_clicks: Annotated[int, msgspec.Meta(ge=1)] = 1000
    """How many of the newest clicks that share is of, at least."""


class ClickPartitionSettings(msgspec.Struct, frozen=True):
    """Which days have a partition of clicks."""

    days_ahead: Annotated[int, msgspec.Meta(ge=2, le=366)] = 14
    """Days after today, so that clicks find their partition while nobody can make one."""
    days_behind: Annotated[int, msgspec.Meta(ge=1, le=366)] = 8
    """Days before today, for clicks that waited in a spool."""


class StatisticsSettings(msgspec.Struct, frozen=True):
    """How much may be done for statistics beside storing clicks."""

    share: Annotated[float, msgspec.Meta(gt=0, le=0.9)] = 0.03
    """Of a worker's time; what it does not suffice for makes statistics late."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All of them."""

    instance: str = ""
    """Name of this process in logs and at the servers; the service's name if empty."""
    http: HttpSettings
    log: LogSettings
    otel: OtelSettings
    database: DatabaseSettings
    amqp: AmqpSettings
    replicas: ReplicaSettings
    batch: BatchSettings
    ingest: IngestSettings
    click_partition: ClickPartitionSettings
    statistics: StatisticsSettings
    click_retention_days: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Whole days of clicks older than this are dropped, counts stay; 0 keeps all for ever."""
