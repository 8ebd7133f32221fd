"""Which failures of a write are the fault of a click, and which pass by themselves."""

from dataclasses import dataclass

import asyncpg

from click_ingest.dead_letters import Fault

NO_PARTITION = "23514"
"""check_violation: `clicks` has no other check than the bounds of its partitions."""

# Data exception, integrity constraint violation, program limit exceeded. Whatever else PostgreSQL
# says (a missing column, a full disk, a deadlock) would be said of any click.
_CLASSES_OF_DATA_FAULTS = ("22", "23", "54")


@dataclass(frozen=True, slots=True)
class Refusal:
    """PostgreSQL, or its driver, will not have these values however often they are sent."""

    fault: Fault
    detail: str


def refusal_of(error: Exception) -> Refusal | None:
    """Tell what is wrong with the data; None where the data is not the reason."""
    if isinstance(error, asyncpg.PostgresError):
        sqlstate = error.sqlstate or ""
        if not sqlstate.startswith(_CLASSES_OF_DATA_FAULTS):
            return None
        fault: Fault = "no_partition" if sqlstate == NO_PARTITION else "refused"
        return Refusal(fault, f"{sqlstate} {error}")
    if isinstance(error, ValueError | OverflowError):  # COPY: asyncpg cannot encode a value
        return Refusal("refused", str(error))
    return None
