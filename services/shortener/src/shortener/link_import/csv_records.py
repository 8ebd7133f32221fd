"""Reading CSV as it arrives: any of the usual separators, quoted line breaks, bounded records."""

import csv
from collections.abc import AsyncIterator, Sequence
from io import StringIO

from shortener.link_import.rows import Chunks, ImportFileError

MAX_RECORD_BYTES = 64 * 1024
"""Far above the longest link; what is longer is no CSV, or has a quote that is never closed."""

_SEPARATORS = (",", ";", "\t")

Record = tuple[int, dict[str, str] | str]
"""The record's first line, and its values by the name of their column, or why there are none."""


async def read_records(chunks: Chunks, long_url_names: Sequence[str]) -> AsyncIterator[Record]:
    """Yield the records below the header; names are in lower case, without spaces, - and _.

    Raises:
        ImportFileError: there is no header, or none of its names is one for the long URL.
    """
    separator, names = "", list[str]()
    async for number, raw in _records(chunks):
        try:
            text = raw.decode("utf-8-sig" if not names else "utf-8")
        except UnicodeDecodeError:
            if not names:
                raise ImportFileError("The header is not UTF-8.") from None
            yield number, "is not UTF-8"
            continue
        if not text.strip():
            continue
        if not names:
            separator = max(_SEPARATORS, key=text.count)
            try:
                names = [_normalise(name) for name in _values(text, separator)]
            except csv.Error:
                raise ImportFileError(
                    "The header is not CSV: lines end with LF or CR LF, and quotes are closed."
                ) from None
            if not set(names) & set(long_url_names):
                raise ImportFileError(
                    "The header has no column for the long URL; it is one of"
                    f" {', '.join(long_url_names)}."
                )
            continue
        try:
            values = _values(text, separator)
        except csv.Error:
            yield number, "is not CSV"
            continue
        yield number, {name: value.strip() for name, value in zip(names, values, strict=False)}
    if not names:
        raise ImportFileError("The file is empty.")


def _values(text: str, separator: str) -> list[str]:
    """Return the values of what is one record.

    Raises:
        csv.Error: it is none, or several that a lone carriage return parts.
    """
    # Breaks lines where CSV does; str.splitlines also does at characters that titles may have.
    records = [*filter(None, csv.reader(StringIO(text, newline=""), delimiter=separator))]
    if len(records) != 1:
        raise csv.Error
    return records[0]


async def _records(chunks: Chunks) -> AsyncIterator[tuple[int, bytes]]:
    """Yield whole records: a line break within quotes is part of one."""
    number = 0
    # Looked at as it grows, and never as a whole: a title may have 60,000 line breaks.
    record, first_line, is_open = bytearray(), 1, False
    async for line in _lines(chunks):
        number += 1
        if not record:
            first_line = number
        record += line
        is_open ^= line.count(b'"') % 2 == 1
        if len(record) > MAX_RECORD_BYTES:
            raise ImportFileError(
                f"The record that begins in line {first_line:,} is longer than"
                f" {MAX_RECORD_BYTES:,} bytes; is a quote missing?"
            )
        if not is_open:
            yield first_line, bytes(record)
            record.clear()
    if record:
        yield first_line, bytes(record)


async def _lines(chunks: Chunks) -> AsyncIterator[bytes]:
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"
        if len(rest) > MAX_RECORD_BYTES:
            raise ImportFileError(f"A line is longer than {MAX_RECORD_BYTES:,} bytes.")
    if rest:
        yield rest


def _normalise(name: str) -> str:
    return name.strip().lower().translate(str.maketrans("", "", " -_"))
