"""The file of blocked domains: one a line, `#` begins a comment; read again when it changes.

A line that is no domain is said in the log and passed over: one typing mistake must not lift all
other blocks. For the same reason a file that cannot be read changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Protocol

import structlog

from shared.domain_name import DomainRefusedError
from shortener.blocked_domains import parse_blocked_domain
from shortener.transactions import TRY_LATER

log = structlog.get_logger()

INTERVAL_S = 0.5

MAX_PROBLEMS_LOGGED = 10

Sleep = Callable[[float], Awaitable[None]]


class Domains(Protocol):
    """Where the list goes."""

    async def replace_file(self, domains: Collection[str]) -> tuple[int, int]:
        """Make the file's part of the list these domains; return how many came and went."""


def parse_block_file(content: str) -> tuple[set[str], list[str]]:
    """Return the domains of a file, and a sentence for each line that has none."""
    domains, problems = set(), []
    for number, line in enumerate(content.splitlines(), start=1):
        given = line.partition("#")[0].strip()
        if not given:
            continue
        try:
            domains.add(parse_blocked_domain(given))
        except DomainRefusedError as error:
            problems.append(f"line {number}: {given[:80]!r} {error}")
    return domains, problems


class BlockFile:
    """Watches one file and brings each of its states to the list."""

    def __init__(self, path: Path, domains: Domains, sleep: Sleep = asyncio.sleep) -> None:
        self._path = path
        self._domains = domains
        self._sleep = sleep
        self._seen: tuple[int, int, int] | None = None
        self._last_problem = ""

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await self.look()
            await self._sleep(INTERVAL_S)

    async def look(self) -> None:
        """Take over the file if it is another than at the last look."""
        try:
            stat = self._path.stat()
            state = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if state == self._seen:
                return
            content = await asyncio.to_thread(self._path.read_text)
            domains, problems = await asyncio.to_thread(parse_block_file, content)
            added, removed = await self._domains.replace_file(domains)
        except (UnicodeDecodeError, *TRY_LATER) as error:
            if str(error) != self._last_problem:
                log.warning("block_file_not_read", path=str(self._path), reason=str(error))
            self._last_problem = str(error)
            return
        self._seen, self._last_problem = state, ""
        for problem in problems[:MAX_PROBLEMS_LOGGED]:
            log.warning("block_file_line_passed_over", problem=problem)
        log.info(
            "block_file_read",
            domains=len(domains),
            added=added,
            removed=removed,
            passed_over=len(problems),
        )
