"""Days of statistics in the database: read, added to and written, within the caller's transaction.

Whoever writes must hold `STATISTICS_LOCK`: what is written replaces what was read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from click_ingest.driver_connection import Connection
from shared.day_statistics import MAX_VALUES, DayStatistics, Scope, decode_day, encode_day
from shared.visitor_sketch import VisitorSketch

STATISTICS_LOCK = 0x71636B73  # "qcks"

Key: TypeAlias = "tuple[Scope, int, date]"

_TRY_LOCK = f"SELECT pg_try_advisory_xact_lock({STATISTICS_LOCK})"

_READ = """
SELECT scope, scope_id, day, statistics, sketch FROM click_statistics
JOIN unnest($1::statistics_scope[], $2::bigint[], $3::date[]) AS wanted (scope, scope_id, day)
    USING (scope, scope_id, day)
"""

_WRITE = """
INSERT INTO click_statistics AS known (
    scope, scope_id, day, clicks, bots, visitors, statistics, sketch
)
SELECT * FROM unnest(
    $1::statistics_scope[], $2::bigint[], $3::date[],
    $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[], $8::bytea[]
)
ON CONFLICT (scope, scope_id, day) DO UPDATE SET
    clicks = excluded.clicks, bots = excluded.bots, visitors = excluded.visitors,
    statistics = excluded.statistics, sketch = excluded.sketch
"""

# A stale day stays, for it is made anew, and may have clicks of links that got the tag.
_DELETE = """
DELETE FROM click_statistics AS known
USING unnest($1::statistics_scope[], $2::bigint[], $3::date[]) AS gone (scope, scope_id, day)
WHERE (known.scope, known.scope_id, known.day) = (gone.scope, gone.scope_id, gone.day)
    AND NOT known.is_stale
"""


@dataclass(slots=True)
class Day:
    """One day of one scope, or what is to be added to it."""

    statistics: DayStatistics = field(default_factory=DayStatistics)
    sketch: VisitorSketch = field(default_factory=VisitorSketch)
    takes_away: bool = False
    """Deleted clicks are in it, so its values are to be settled before it is written."""

    def merge(self, other: "Day") -> None:
        """Add all of another one."""
        self.takes_away |= other.takes_away
        self.statistics.merge(other.statistics)
        self.sketch.merge(other.sketch)


def stored_day(statistics: bytes, sketch: bytes) -> Day:
    """Make a day of its columns."""
    return Day(decode_day(statistics), VisitorSketch(sketch))


async def is_our_turn(connection: Connection) -> bool:
    """Take `STATISTICS_LOCK` until the transaction ends, unless another worker has it."""
    return bool(await connection.fetchval(_TRY_LOCK))


async def add_days(connection: Connection, changes: Mapping[Key, Day]) -> int:
    """Add changes to what is there; return the clicks whose values went into `other`."""
    known = {
        (row[0], row[1], row[2]): stored_day(row[3], row[4])
        for row in await connection.fetch(_READ, *_columns(changes))
    }
    for key, change in changes.items():
        if key in known:
            known[key].merge(change)
        else:
            known[key] = change
    return await write_days(connection, known)


async def write_days(connection: Connection, days: Mapping[Key, Day]) -> int:
    """Put days in the place of what is there; return the clicks that went into `other`."""
    cropped = 0
    rows: list[tuple[object, ...]] = []
    empty: list[Key] = []
    for key, day in days.items():
        total = day.statistics.total()
        if total.clicks == 0:
            empty.append(key)
            continue
        if day.takes_away:
            day.statistics.settle()
        cropped += day.statistics.crop(MAX_VALUES[key[0]])
        rows.append(
            (
                *key,
                total.clicks,
                total.bots,
                day.sketch.estimate(),
                encode_day(day.statistics),
                day.sketch.to_bytes(),
            )
        )
    if rows:
        await connection.execute(_WRITE, *zip(*rows, strict=True))
    if empty:
        await connection.execute(_DELETE, *_columns(empty))
    return cropped


def _columns(keys: Iterable[Key]) -> Sequence[Sequence[object]]:
    return [*zip(*keys, strict=True)]
