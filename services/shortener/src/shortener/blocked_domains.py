"""Domains that no link may lead to: by operators and by a file, subdomains included.

A change of the list is noted with it, in one transaction; `BlockSweep` then changes the links that
it concerns, so that a redirect has nothing to look up.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Text, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.db.schema import block_changes, blocked_domains
from shared.domain_name import DomainRefusedError, parse_domain
from shortener.transactions import read, write

OPERATOR, FILE = "operator", "file"

_BLOCKS = text(
    "SELECT url, block.domain, block.source, block.reason, block.created_at"
    " FROM unnest(:urls) AS url CROSS JOIN LATERAL ("
    "SELECT * FROM blocked_domains WHERE domain = blocking_domain(url_domains(url))"
    " ORDER BY source DESC LIMIT 1) AS block"  # an operator's reason before a file, without one
).bindparams(bindparam("urls", type_=ARRAY(Text)))
_BLOCK = text(
    "INSERT INTO blocked_domains (domain, source, reason) VALUES (:domain, 'operator', :reason)"
    " ON CONFLICT (domain, source) DO UPDATE SET reason = excluded.reason"
)
_UNBLOCK = text("DELETE FROM blocked_domains WHERE domain = :domain AND source = 'operator'")
_IS_IN_FILE = text(
    "SELECT EXISTS (SELECT FROM blocked_domains WHERE domain = :domain AND source = 'file')"
)
_NOTE = text("INSERT INTO block_changes (domain) VALUES (:domain)")
_ONE_FILE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('blocked domains', 2))")
_REPLACE_FILE = text(
    """
    WITH wanted AS (SELECT DISTINCT unnest(:domains) AS domain),
    added AS (
        INSERT INTO blocked_domains (domain, source) SELECT domain, 'file' FROM wanted
        ON CONFLICT DO NOTHING RETURNING domain
    ), removed AS (
        DELETE FROM blocked_domains AS old
        WHERE source = 'file' AND NOT EXISTS (
            SELECT FROM wanted WHERE wanted.domain COLLATE "C" = old.domain
        ) RETURNING domain
    ), noted AS (
        INSERT INTO block_changes (domain)
        SELECT domain FROM added UNION ALL SELECT domain FROM removed
    )
    SELECT (SELECT count(*) FROM added) AS added, (SELECT count(*) FROM removed) AS removed
    """
).bindparams(bindparam("domains", type_=ARRAY(Text)))
_LIST = select(blocked_domains).order_by(blocked_domains.c.domain, blocked_domains.c.source)
_PENDING = select(func.count()).select_from(block_changes).where(block_changes.c.passes_left > 1)


@dataclass(frozen=True, slots=True)
class Block:
    """One blocked domain, and who said so: `operator` or `file`."""

    domain: str
    source: str
    reason: str
    created_at: datetime


Blocks = Callable[[Collection[str]], Awaitable[Mapping[str, Block]]]
"""Tells which of these long URLs lead to a blocked domain, and to which."""


class InFileError(Exception):
    """The domain is in the file of blocked domains, and stays blocked until it is not."""


def parse_blocked_domain(given: str) -> str:
    """Return a domain as hosts of long URLs are stored; `*.` before it says what is meant anyway.

    Raises:
        DomainRefusedError: it is no host name, or has a port.
    """
    domain = parse_domain(given.strip().removeprefix("*."), "http")
    if ":" in domain:
        raise DomainRefusedError("has a port; a domain is blocked with all its ports")
    return domain


class BlockedDomains:
    """The list in PostgreSQL; raises `DatabaseUnavailableError` when that is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading_engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def blocks(self, long_urls: Collection[str]) -> Mapping[str, Block]:
        """Return the blocks that links to these long URLs would be down for."""
        if not long_urls:
            return {}
        parameters = {"urls": list(long_urls)}
        rows = await read(self._reading_engine, lambda on: on.execute(_BLOCKS, parameters))
        return {url: Block(*block) for url, *block in rows}

    async def block(self, domain: str, reason: str) -> None:
        """Block a domain; done again, it changes the reason and looks through its links again."""

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(_BLOCK, {"domain": domain, "reason": reason})
            await connection.execute(_NOTE, {"domain": domain})

        await write(self._engine, work)

    async def unblock(self, domain: str) -> bool:
        """Lift an operator's block; False if there is none.

        Raises:
            InFileError: only the file's block is left, which this cannot lift.
        """

        async def work(connection: AsyncConnection) -> tuple[bool, bool]:
            deleted = (await connection.execute(_UNBLOCK, {"domain": domain})).rowcount > 0
            if deleted:
                await connection.execute(_NOTE, {"domain": domain})
            in_file = (await connection.execute(_IS_IN_FILE, {"domain": domain})).scalar_one()
            return deleted, bool(in_file)

        was_blocked, is_in_file = await write(self._engine, work)
        if is_in_file:
            raise InFileError
        return was_blocked

    async def replace_file(self, domains: Collection[str]) -> tuple[int, int]:
        """Make the file's part of the list these domains; return how many came and went."""

        async def work(connection: AsyncConnection) -> tuple[int, int]:
            await connection.execute(_ONE_FILE_AT_A_TIME)
            row = (await connection.execute(_REPLACE_FILE, {"domains": list(domains)})).one()
            return row.added, row.removed

        return await write(self._engine, work)

    async def all(self) -> Sequence[Block]:
        """Return the whole list, by domain."""
        rows = await read(self._reading_engine, lambda on: on.execute(_LIST))
        return [Block(*row) for row in rows]

    async def pending(self) -> int:
        """Return how many changes of the list have not reached the links yet."""
        result = await read(self._reading_engine, lambda on: on.execute(_PENDING))
        return result.scalar_one()
