"""Blocking for operators: `python -m shortener.block_command block DOMAIN [REASON]`.

Also `unblock DOMAIN` and `list`. A running shortener does the rest within a second; this waits
until it has, and says how many links are down.
"""

import asyncio
import os
import sys
from collections.abc import Sequence

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.engine import create_engine
from shared.domain_name import DomainRefusedError
from shared.settings import DatabaseSettings, SettingsError, load
from shortener.blocked_domains import BlockedDomains, InFileError, parse_blocked_domain
from shortener.transactions import DatabaseUnavailableError, read

USAGE = "usage: python -m shortener.block_command block DOMAIN [REASON] | unblock DOMAIN | list"
APPLIED_WITHIN_S = 10.0

_DOWN = text(
    """
    SELECT count(*) FROM (
        SELECT id FROM links WHERE reversed_host(long_url) COLLATE "C" >= reverse(:domain)
            AND reversed_host(long_url) COLLATE "C" < reverse(:domain) || '/'
            AND blocked_by IS NOT NULL
        UNION SELECT id FROM links WHERE rules IS NOT NULL
            AND rule_domains(rules) @> ARRAY[CAST(:domain AS text)] AND blocked_by IS NOT NULL
    ) AS down
    """
)


class BlockSettings(msgspec.Struct, frozen=True):
    """What the command line reads."""

    database: DatabaseSettings


async def run(settings: BlockSettings, words: Sequence[str]) -> str:
    """Do what the words say; return what there is to tell.

    Raises:
        SystemExit: they say nothing that can be done.
    """
    engine = create_engine(
        settings.database.url,
        application_name="qck-block",
        pool_size=1,
        statement_timeout_s=60,
    )
    try:
        blocked = BlockedDomains(engine)
        match list(words):
            case ["list"]:
                return "\n".join(
                    f"{block.domain:40} {block.source:9} {block.created_at:%Y-%m-%d %H:%M}"
                    f" {block.reason}".rstrip()
                    for block in await blocked.all()
                )
            case ["block", domain, *reason]:
                domain = parse_blocked_domain(domain)
                await blocked.block(domain, " ".join(reason).strip())
                return f"{domain} is blocked; {await _applied(engine, blocked, domain)}"
            case ["unblock", domain]:
                domain = parse_blocked_domain(domain)
                if not await blocked.unblock(domain):
                    raise SystemExit(f"block: {domain} is not blocked")
                return f"{domain} is unblocked; {await _applied(engine, blocked, domain)}"
    finally:
        await engine.dispose()
    raise SystemExit(USAGE)


async def _applied(engine: AsyncEngine, blocked: BlockedDomains, domain: str) -> str:
    try:
        async with asyncio.timeout(APPLIED_WITHIN_S):
            while await blocked.pending():  # noqa: ASYNC110 - another process works it off
                await asyncio.sleep(0.1)
    except TimeoutError:
        return "a running shortener has not yet applied it to the links"
    result = await read(engine, lambda on: on.execute(_DOWN, {"domain": domain}))
    return f"links to it that are down: {result.scalar_one():,}"


def main() -> None:
    """Run from the command line with the process's environment."""
    try:
        settings = load(BlockSettings, os.environ)  # noqa: TID251 - an entry point
        print(asyncio.run(run(settings, sys.argv[1:])))  # noqa: T201 - what the command is for
    except DomainRefusedError as error:
        raise SystemExit(f"block: the domain {error}") from None
    except InFileError:
        raise SystemExit(
            "block: it is in BLOCKED_DOMAINS_FILE, and stays until it is not"
        ) from None
    except (SettingsError, DatabaseUnavailableError) as error:
        raise SystemExit(f"block: {error}") from None


if __name__ == "__main__":
    main()
