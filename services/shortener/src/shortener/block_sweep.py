"""Takes links down whose destination was blocked, and puts them back up when it is unblocked.

Links are changed like by any edit: a new version and an outbox row, which the relay brings to
Redis. So redirects see it within a second, and cost nothing for it. Rows are changed in pages of a
bounded size, each a transaction of its own, found through the index on hosts and the one on
the hosts of redirect rules; what is right already is left alone, so a pass may be broken off and
repeated, also by another replica.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import structlog
from sqlalchemy import BigInteger, Row, Text, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.metrics import ShortenerMetrics
from shortener.link_outbox import BATCH_SIZE
from shortener.transactions import TRY_LATER, read, write

log = structlog.get_logger()

INTERVAL_S = 0.25

SECOND_PASS_S = 15
"""Longer than a creation or edit may take that looked at the list before it changed: a link that
comes in meanwhile is found then."""

CHANGES_AT_ONCE = 500
PAGE_LINKS = 500

_DUE = text(
    "SELECT id, domain FROM block_changes WHERE due_at <= now() ORDER BY id LIMIT :changes"
)
# Most domains of a list have no link at all: those are told apart in one statement.
_CONCERNED = text(
    """
    SELECT DISTINCT changed.domain FROM unnest(:domains) AS changed (domain) WHERE EXISTS (
        SELECT FROM links
        WHERE reversed_host(long_url) COLLATE "C" >= reverse(changed.domain)
            AND reversed_host(long_url) COLLATE "C" < reverse(changed.domain) || '/'
    ) OR EXISTS (
        SELECT FROM links
        WHERE rules IS NOT NULL AND rule_domains(rules) @> ARRAY[changed.domain]
    )
    """
).bindparams(bindparam("domains", type_=ARRAY(Text)))
_PAGE = """
    WITH page AS MATERIALIZED (
        SELECT id, {host} AS host,
            blocking_domain(url_domains(long_url) || coalesce(rule_domains(rules), '{{}}'))
                AS blocked_by
        FROM links
        WHERE {concerned}
        LIMIT :links FOR UPDATE
    ), changed AS (
        UPDATE links SET blocked_by = page.blocked_by, version = nextval('link_version')
        FROM page WHERE links.id = page.id AND links.blocked_by IS DISTINCT FROM page.blocked_by
        RETURNING links.domain, links.short_code, links.version, links.blocked_by
    ), noted AS (
        -- As if noted a second ago: no request is about to bring these to the cache.
        INSERT INTO link_outbox (domain, short_code, version, created_at)
        SELECT domain, short_code, version, now() - interval '1 second' FROM changed
    )
    SELECT
        (SELECT count(*) FROM changed WHERE blocked_by IS NOT NULL) AS taken_down,
        (SELECT count(*) FROM changed WHERE blocked_by IS NULL) AS put_back,
        host, id
    FROM page ORDER BY host DESC, id DESC LIMIT 1
    """
_PAGE_BY_HOST = text(
    _PAGE.format(
        host='reversed_host(long_url) COLLATE "C"',
        concerned="""reversed_host(long_url) COLLATE "C" >= reverse(:domain)
            AND reversed_host(long_url) COLLATE "C" < reverse(:domain) || '/'
            AND (reversed_host(long_url) COLLATE "C", id) > (:host, :id)
        ORDER BY reversed_host(long_url) COLLATE "C", id""",
    )
)
_PAGE_BY_RULES = text(
    _PAGE.format(
        # `:host` is the same for all pages.
        host="CAST(:host AS text)",
        # Not ordered by the id itself, or PostgreSQL might go through all links by their ids.
        concerned="""rules IS NOT NULL AND rule_domains(rules) @> ARRAY[CAST(:domain AS text)]
            AND id > :id
        ORDER BY id + 0""",
    )
)
_DONE = text(
    "UPDATE block_changes SET passes_left = passes_left - 1,"
    " due_at = now() + make_interval(secs => :pause_s) WHERE id = ANY(:ids)"
).bindparams(bindparam("ids", type_=ARRAY(BigInteger)))
_FORGET = text("DELETE FROM block_changes WHERE passes_left <= 0")

Sleep = Callable[[float], Awaitable[None]]


class Relay(Protocol):
    """What brings changed links to the cache."""

    async def relay_batch(self) -> int | None:
        """Apply the oldest changes; return how many, or None if Redis is away."""


class BlockSweep:
    """Looks four times a second for changes of the list, and does what they ask for.

    Counts links in `qck_block_links_total`; while PostgreSQL is away nothing is lost, only late.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        relay: Relay,
        metrics: ShortenerMetrics,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._reading_engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._relay = relay
        self._metrics = metrics
        self._sleep = sleep
        self._is_waiting = False

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            try:
                await self.turn()
                self._is_waiting = False
            except TRY_LATER as error:  # or not migrated yet
                if not self._is_waiting:
                    log.warning("block_sweep_waits_for_database", reason=str(error))
                self._is_waiting = True
            await self._sleep(INTERVAL_S)

    async def turn(self) -> None:
        """Do all that is due."""
        while True:
            due = await self._due()
            if not due:
                return
            for domain in await self._concerned([row.domain for row in due]):
                await self._sweep(domain)
            await self._finish([row.id for row in due])

    async def _due(self) -> Sequence[Row[Any]]:
        parameters = {"changes": CHANGES_AT_ONCE}
        return (await read(self._reading_engine, lambda on: on.execute(_DUE, parameters))).all()

    async def _concerned(self, domains: Sequence[str]) -> Sequence[str]:
        parameters = {"domains": list(domains)}
        result = await read(self._reading_engine, lambda on: on.execute(_CONCERNED, parameters))
        return result.scalars().all()

    async def _sweep(self, domain: str) -> None:
        taken_down = put_back = 0
        for pages in (_PAGE_BY_HOST, _PAGE_BY_RULES):
            after = ("", 0)
            while page := await self._change_page(pages, domain, *after):
                taken_down += page.taken_down
                put_back += page.put_back
                after = (page.host, page.id)
                if page.taken_down or page.put_back:
                    while await self._relay.relay_batch() == BATCH_SIZE:
                        pass
        self._metrics.block_links_taken_down.inc(taken_down)
        self._metrics.block_links_put_back.inc(put_back)
        if taken_down or put_back:
            log.info("block_applied", domain=domain, taken_down=taken_down, put_back=put_back)

    async def _change_page(
        self, pages: TextClause, domain: str, host: str, id: int
    ) -> Row[Any] | None:
        parameters = {"domain": domain, "host": host, "id": id, "links": PAGE_LINKS}
        return (await write(self._engine, lambda on: on.execute(pages, parameters))).one_or_none()

    async def _finish(self, ids: Sequence[int]) -> None:
        async def work(connection: AsyncConnection) -> None:
            await connection.execute(_DONE, {"ids": list(ids), "pause_s": SECOND_PASS_S})
            await connection.execute(_FORGET)

        await write(self._engine, work)
