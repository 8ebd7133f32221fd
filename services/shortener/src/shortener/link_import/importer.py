"""The one way in which links of all formats are taken over: chunk by chunk, each committed."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

import msgspec

from shortener.audit_log import Author
from shortener.checked_bodies import CheckedBodies
from shortener.imported_links import ImportResult
from shortener.link_import.rows import ImportRow, Rows
from shortener.link_insertion import NewLink
from shortener.link_store import LinkStore
from shortener.problems import Problem

CHUNK_ROWS = 500
"""Rows in one transaction: what an interruption costs, and how many codes are locked at once."""

_WHY = {
    "taken": "customSlug: another link has this short code",
    "no_free_code": "customSlug: no free short code was found",
}


class ImportCounts(msgspec.Struct, frozen=True):
    """What has become of all rows so far."""

    rows: int = 0
    created: int = 0
    existing: int = 0
    """Links that were there already, with the same long URL; untouched."""
    updated: int = 0
    """The same, but the source has counted more visits since."""
    skipped: int = 0


class ImportNote(msgspec.Struct, frozen=True, rename="camel"):
    """A row that was skipped, or taken over with a loss, and why."""

    row: int
    short_code: str
    long_url: str
    is_skipped: bool
    reason: str


@dataclass(frozen=True, slots=True)
class ImportStep:
    """One committed chunk: the sums up to here, and the notes on its rows."""

    counts: ImportCounts
    notes: Sequence[ImportNote]


class LinkImporter:
    """Takes links over; what was told in a step stays, whatever happens later."""

    def __init__(self, links: LinkStore, bodies: CheckedBodies) -> None:
        self._links = links
        self._bodies = bodies

    async def run(
        self, rows: Rows, author: Author, domain: str | None = None
    ) -> AsyncIterator[ImportStep]:
        """Yield a step for each chunk; `domain` replaces that of every row, '' being the default.

        Raises:
            ImportFileError: the rest of the file cannot be read.
            DatabaseUnavailableError: the chunk that was under way is not stored.
        """
        counts = ImportCounts()
        async for chunk in _in_chunks(rows):
            if domain is not None:
                chunk = [_moved(row, domain) for row in chunk]
            step = await self._import(chunk, author, counts)
            counts = step.counts
            yield step

    async def _import(
        self, rows: Sequence[ImportRow], author: Author, before: ImportCounts
    ) -> ImportStep:
        reasons = {n: row.refusal for n, row in enumerate(rows) if row.refusal}
        new: dict[int, NewLink] = {}
        wanted = [n for n in range(len(rows)) if n not in reasons]
        contents = [rows[n].fields for n in wanted]
        for n, read in zip(
            wanted, await self._bodies.imported(contents, author.scope), strict=True
        ):
            if isinstance(read, Problem):
                reasons[n] = "; ".join(f"{name}: {why}" for name, why in _reasons(read).items())
            else:
                new[n] = read
        results: dict[int, ImportResult] = {}
        if new:
            results = dict(
                zip(new, await self._links.import_many(list(new.values()), author), strict=True)
            )
        reasons |= {n: _WHY[r.outcome] for n, r in results.items() if r.outcome in _WHY}
        notes = [
            _note(row, reasons.get(n, row.loss), n in reasons)
            for n, row in enumerate(rows)
            if n in reasons or row.loss
        ]

        def count(outcome: str) -> int:
            return sum(result.outcome == outcome for result in results.values())

        counts = ImportCounts(
            rows=before.rows + len(rows),
            created=before.created + count("created"),
            existing=before.existing + count("existing"),
            updated=before.updated + count("updated"),
            skipped=before.skipped + len(reasons),
        )
        return ImportStep(counts, notes)


async def _in_chunks(rows: Rows) -> AsyncIterator[list[ImportRow]]:
    chunk: list[ImportRow] = []
    async for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK_ROWS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _moved(row: ImportRow, domain: str) -> ImportRow:
    return replace(row, fields={**row.fields, "domain": domain})


def _note(row: ImportRow, reason: str, is_skipped: bool) -> ImportNote:
    code, url = (str(row.fields.get(name) or "") for name in ("customSlug", "longUrl"))
    return ImportNote(row.number, code, url, is_skipped, reason)


def _reasons(problem: Problem) -> dict[str, str]:
    reasons = problem.members.get("reasons")
    return reasons if isinstance(reasons, dict) else {"": problem.detail}
