"""What the services say of a run: their counters before and after, and looks in between."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx2
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.db.errors import DATABASE_ERRORS
from tests.bench.redirector_metrics import RedirectorCounts, read_counts
from tests.load.target import Target

LOOK_EACH_S = 1.0
ANSWER_WITHIN_S = 2.0

_CONNECTIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    " AND datname = current_database()"
)


@dataclass(slots=True)
class Look:
    """What was seen at one moment; what nobody answered is missing."""

    at: float
    utilisation: float | None = None
    """Of the fullest pool."""
    memory_bytes: dict[str, float] = field(default_factory=dict)
    """By host and port: elsewhere all processes may have the same one of either."""
    redis_connections: int | None = None
    database_connections: int | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """What redirectors had counted at one moment, and when each of them had started."""

    counts: RedirectorCounts
    started: frozenset[float]

    def since(self, earlier: "Counted") -> RedirectorCounts | None:
        """Return what was added; nobody knows when one was restarted or had no time to answer."""
        if not self.started or self.started != earlier.started:
            return None
        return self.counts.since(earlier.counts)


class ServiceSide:
    """Asks a target's processes and, of a local one, its stores."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._http = httpx2.AsyncClient(timeout=ANSWER_WITHIN_S)
        self._redis = (
            Redis.from_url(target.redis_url, socket_timeout=ANSWER_WITHIN_S)
            if target.redis_url
            else None
        )
        self._database: asyncpg.Connection[asyncpg.Record] | None = None
        self._started = time.monotonic()
        self.looks: list[Look] = []

    async def __aenter__(self) -> "ServiceSide":
        if self._target.database_url:
            with suppress(*DATABASE_ERRORS):  # off on purpose, perhaps
                self._database = await asyncpg.connect(
                    self._target.database_url, timeout=ANSWER_WITHIN_S
                )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()
        if self._redis is not None:
            await self._redis.aclose()
        if self._database is not None:
            self._database.terminate()

    async def counts(self) -> "Counted":
        """Return the redirectors' counters; of none where no process of the target is known."""
        pages = [await self._page(base) for base in self._target.processes]
        pages = [page for page in pages if "qck_redirects_total" in page]
        started = frozenset(_first(page, "process_start_time_seconds") for page in pages)
        return Counted(read_counts(pages), started)

    async def watch(self) -> None:
        """Look once a second until cancelled."""
        self._started = time.monotonic()
        while True:
            self.looks.append(await self._look())
            await asyncio.sleep(LOOK_EACH_S)

    async def _look(self) -> Look:
        look = Look(time.monotonic() - self._started)
        used: list[float] = []
        for base in self._target.processes:
            try:
                answer = await self._http.get(f"{base}/readyz")
                used += pool_utilisations(answer.json())
            except (httpx2.HTTPError, ValueError, KeyError):
                continue
            if memory := _first(await self._page(base), "process_resident_memory_bytes"):
                look.memory_bytes[urlsplit(base).netloc] = memory
        look.utilisation = max(used, default=None)
        look.redis_connections = await self._redis_connections()
        look.database_connections = await self._database_connections()
        return look

    async def _database_connections(self) -> int | None:
        if self._database is None:
            return None
        try:
            return int(await self._database.fetchval(_CONNECTIONS, timeout=ANSWER_WITHIN_S))
        except DATABASE_ERRORS:  # off on purpose, perhaps
            return None

    async def _redis_connections(self) -> int | None:
        if self._redis is None:
            return None
        try:
            return int((await self._redis.info("clients"))["connected_clients"])
        except (RedisError, OSError):  # off on purpose, perhaps
            return None

    async def _page(self, base: str) -> str:
        try:
            return (await self._http.get(f"{base}/metrics")).text
        except httpx2.HTTPError:
            return ""


def pool_utilisations(ready: Any) -> Iterator[float]:
    """Yield how full each pool of connections is; a spool has a utilisation too, and is none."""
    for check in ready["checks"].values():
        if pool := check.get("pool"):
            yield float(pool["utilisation"])


def _first(page: str, name: str) -> float:
    """Return the first sample of a metric; 0 where there is none."""
    for family in text_string_to_metric_families(page):
        if family.name == name:
            return family.samples[0].value
    return 0.0
