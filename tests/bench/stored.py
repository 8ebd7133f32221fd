"""Whether every redirect that was answered is a row: wrk counts here, the database there."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from local_stack.stack import Stack
from tests.bench.rounds import Measured
from tests.bench.wrk import CONNECTIONS, Load
from tests.support.database import fetch
from tests.support.observe import REDIRECTORS, Observer
from tests.support.stored import wait_until_drained

DRAINED_WITHIN_S = 300.0

STORED = "SELECT coalesce(sum(stored), 0)::bigint FROM click_sources"

_COUNTS = """
SELECT (SELECT count(*) FROM clicks) AS rows,
    (SELECT coalesce(sum(clicks), 0) FROM click_counts_total)::bigint AS counted,
    (SELECT coalesce(sum(stored), 0) FROM click_sources)::bigint AS stored,
    (SELECT count(*) FROM click_sources
        WHERE received <> int8multirange(int8range(0, upper(received)))) AS ledger_holes
"""


@dataclass(slots=True)
class Answered:
    """What visitors have seen so far."""

    redirects: int = 0
    perhaps: int = 0
    """At most so many more were recorded, of which nobody saw the answer: a run that ends cuts a
    request off on every connection, and a failed one may have got as far as the spool."""

    def note(self, *loads: Load) -> None:
        """Add runs of the generator."""
        for load in loads:
            self.redirects += load.redirects
            self.perhaps += CONNECTIONS + load.failed + load.lost

    def note_all(self, rounds: Iterable[Measured]) -> None:
        """Add rounds with their warm-ups."""
        for each in rounds:
            self.note(each.warm_up, each.load)


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database has: rows, the sum of the counts, and the ledger's own view."""

    rows: int
    counted: int
    stored: int
    ledger_holes: int


def judge(answered: Answered, stored: Stored) -> list[str]:
    """Return what does not agree, in words."""
    found = []
    lost = answered.redirects - stored.rows
    if lost > 0:
        found.append(f"{lost:,} redirects that were answered have no row")
    elif -lost > answered.perhaps:
        found.append(f"{-lost - answered.perhaps:,} rows more than there can have been visits")
    for name, figure in (("counts", stored.counted), ("ledger", stored.stored)):
        if figure != stored.rows:
            found.append(f"{stored.rows:,} rows, but {figure:,} clicks in the {name}")
    if stored.ledger_holes:
        found.append(f"{stored.ledger_holes} spools have holes in the ledger")
    return found


def drain(stack: Stack) -> None:
    """Wait until nothing is on its way to the database.

    Raises:
        RuntimeError: it takes too long; with what is left.
    """
    if left := asyncio.run(_drain(stack)):
        raise RuntimeError(left)


def read_stored(stack: Stack) -> Stored:
    """Count."""
    (row,) = asyncio.run(fetch(stack.urls.database_url, _COUNTS))
    return Stored(**row)


def stored_so_far(stack: Stack) -> int:
    """Return how many clicks are stored, without counting rows."""
    ((stored,),) = asyncio.run(fetch(stack.urls.database_url, STORED))
    return int(stored)


async def _drain(stack: Stack) -> str:
    async with Observer(stack) as observer:
        return await wait_until_drained(
            observer,
            stack.home.path / "spool",
            spools=len(REDIRECTORS),
            within_s=DRAINED_WITHIN_S,
        )
