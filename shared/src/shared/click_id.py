"""The id of a click: a UUIDv7 (RFC 9562) made of the time and request id that nginx gave.

When a replica dies between spooling and answering, nginx asks the other one with the same two
values; both spool the same id and the database keeps one row. An id made inside the replica would
count every such failover twice.
"""

import uuid
from datetime import datetime

_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_A = 0xFFF
_RANDOM_B = (1 << 62) - 1


def click_id(clicked_at_ms: int, request_id: int) -> str:
    """Make the id from Unix milliseconds and a 128-bit random request id."""
    random_a = (request_id >> 62) & _RANDOM_A
    value = (
        (clicked_at_ms << 80) | _VERSION_7 | (random_a << 64) | _VARIANT | (request_id & _RANDOM_B)
    )
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def first_id_at(moment: datetime) -> uuid.UUID:
    """Return the lowest possible id of `moment`: a bound for partitions and time ranges."""
    return uuid.UUID(int=round(moment.timestamp() * 1000) << 80)
