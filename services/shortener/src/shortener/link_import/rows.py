"""What every format is read into: the fields of a creation, and what only an import brings."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

DATE_CREATED, VISITS, BOT_VISITS = "dateCreated", "visits", "botVisits"
"""Fields that a creation through the API does not have."""

_SPACED = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)?", re.ASCII)
_UNIX = re.compile(r"\d{9,10}", re.ASCII)
_SHORT_URL = re.compile(r"(?:https?://)?([^/\s]+)/([^?#\s]*)")

Chunks = AsyncIterator[bytes]
"""A file as it arrives."""


class ImportFileError(Exception):
    """The whole is not what its format says; str() is fit for the caller."""


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One link of the source. `number` is its line in a file with lines, else its position."""

    number: int
    fields: Mapping[str, object]
    refusal: str = ""
    """Why this link cannot be taken over, whatever its fields are."""
    loss: str = ""
    """What the link loses on its way."""


Rows = AsyncIterator[ImportRow]


def read_moment(text: object) -> object:
    """Return a moment as the API reads it: with a T, and in UTC where no offset is given."""
    if not isinstance(text, str):
        return text
    if spaced := _SPACED.fullmatch(text.strip()):
        return f"{spaced[1]}T{spaced[2]}+00:00"
    if _UNIX.fullmatch(text.strip()):
        return datetime.fromtimestamp(int(text), UTC).isoformat()
    return text


def split_short_url(text: str) -> tuple[str, str]:
    """Return domain and code of a short URL, also without a scheme; a bare code has no domain."""
    parts = _SHORT_URL.fullmatch(text.strip())
    return (parts[1], parts[2].strip("/")) if parts else ("", text.strip().strip("/"))


def drop_empty(fields: Mapping[str, object]) -> dict[str, object]:
    """Leave out what is not given."""
    return {name: value for name, value in fields.items() if value not in (None, "")}
