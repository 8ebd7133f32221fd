"""The ledger for people: `python -m click_ingest.ledger_report`, or `make ledger`.

One line a spool. Appended = received + in flight + missing, and received = stored + repeated +
dead-lettered. Exits with 1 when clicks are missing, or rows were deleted.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec

from shared.db.errors import DATABASE_ERRORS
from shared.settings import DatabaseSettings, SettingsError, load

_LEDGER = """
SELECT source, appended, stored, repeated, dead_lettered, in_flight, missing, holes::text
FROM click_ledger ORDER BY first_received_at, source
"""
_DELETED = "SELECT count(*) FROM click_deletions WHERE NOT is_asked_for"
_COLUMNS = ("appended", "stored", "repeated", "dead-lettered", "in flight", "missing")


class ReportSettings(msgspec.Struct, frozen=True):
    """What the command reads."""

    database: DatabaseSettings


async def read_ledger(database_url: str) -> tuple[Sequence[Sequence[Any]], int]:
    """Return the ledger's rows and the number of clicks that were deleted behind its back."""
    connection = await asyncpg.connect(database_url, timeout=5)
    try:
        rows = [tuple(row.values()) for row in await connection.fetch(_LEDGER)]
        deleted: int = await connection.fetchval(_DELETED)
    finally:
        await connection.close()
    return rows, deleted


def render(rows: Sequence[Sequence[Any]], deleted: int) -> str:
    """Make the table, its sum, and a line for everything that is wrong."""
    lines = [f"{'source':36}" + "".join(f"{name:>15}" for name in _COLUMNS)]
    lines += [f"{row[0]!s:36}" + "".join(f"{number:>15,}" for number in row[1:7]) for row in rows]
    sums = [sum(row[column] for row in rows) for column in range(1, 7)]
    lines.append(f"{'all':36}" + "".join(f"{number:>15,}" for number in sums))
    lines += [f"missing from {row[0]}: {row[7]}" for row in rows if row[6]]
    if deleted:
        lines.append(f"{deleted:,} stored clicks were deleted: see click_deletions")
    if not deleted and not sums[-1]:
        lines.append("nothing is missing")
    return "\n".join(lines)


def main() -> None:
    """Print the ledger of the database that the environment names."""
    try:
        settings = load(ReportSettings, os.environ)  # noqa: TID251 - an entry point
        rows, deleted = asyncio.run(read_ledger(settings.database.url.reveal()))
    except (SettingsError, *DATABASE_ERRORS) as error:
        raise SystemExit(f"ledger: {error}") from None
    print(render(rows, deleted))  # noqa: T201 - what the command is for
    sys.exit(1 if deleted or any(row[6] for row in rows) else 0)


if __name__ == "__main__":
    main()
