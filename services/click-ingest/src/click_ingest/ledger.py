"""The ledger: which clicks of each spool have arrived, kept with the clicks in one transaction.

A hole in `received` is loss that can be seen without looking at a single click. What was received
and neither stored nor set aside had been received before.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from click_ingest.driver_connection import Connection

# Poison that was received before is counted already: the message came again. The rows are locked
# in sorted order, as two workers that lock in different orders wait for each other.
_RECORD = """
INSERT INTO click_sources AS ledger (
    source, received, stored, dead_lettered, appended, confirmed, mark
)
SELECT source, received::int8multirange, stored, (
    SELECT coalesce(sum(upper(r) - lower(r)), 0) FROM unnest(set_aside::int8multirange) AS r
), appended, confirmed, confirmed
FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]
) AS entry (source, received, set_aside, stored, recovered, appended, confirmed)
ORDER BY source
ON CONFLICT (source) DO UPDATE SET
    received = ledger.received + excluded.received,
    stored = ledger.stored + excluded.stored,
    dead_lettered = ledger.dead_lettered + (
        SELECT coalesce(sum(upper(r) - lower(r)), 0) - min(recovered)
        FROM unnest($1::uuid[], $3::text[], $5::bigint[])
            AS entry (source, set_aside, recovered)
        LEFT JOIN LATERAL unnest(set_aside::int8multirange - ledger.received) AS r ON true
        WHERE entry.source = excluded.source
    ),
    last_received_at = now(),
    appended = greatest(ledger.appended, excluded.appended),
    confirmed = greatest(ledger.confirmed, excluded.confirmed),
    (mark, former_mark, marked_at) = (
        SELECT greatest(ledger.confirmed, excluded.confirmed), ledger.mark, now()
        WHERE ledger.marked_at < now() - interval '20 seconds'
        UNION ALL
        SELECT ledger.mark, ledger.former_mark, ledger.marked_at
        WHERE ledger.marked_at >= now() - interval '20 seconds'
    )
"""


@dataclass(slots=True)
class LedgerEntry:
    """What one batch adds to the row of one source."""

    received: list[range] = field(default_factory=list)
    set_aside: list[range] = field(default_factory=list)
    stored: int = 0
    recovered: int = 0
    """Of the stored ones those that had been set aside: replayed dead letters."""
    appended: int = 0
    confirmed: int = 0


async def record(connection: Connection, entries: Mapping[uuid.UUID, LedgerEntry]) -> None:
    """Add the entries to the ledger within the caller's transaction."""
    if not entries:
        return
    values = entries.values()
    await connection.execute(
        _RECORD,
        list(entries),
        [_multirange(entry.received) for entry in values],
        [_multirange(entry.set_aside) for entry in values],
        [entry.stored for entry in values],
        [entry.recovered for entry in values],
        [entry.appended for entry in values],
        [entry.confirmed for entry in values],
    )


def _multirange(sequences: list[range]) -> str:
    return "{" + ",".join(f"[{each.start},{each.stop})" for each in sequences if each) + "}"
