"""Rows as CSV or NDJSON, made while they are sent: memory does not grow with the export."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Literal, cast, get_args

import msgspec
from starlette.responses import StreamingResponse

from shortener.request_fields import Fields, given

Format = Literal["csv", "ndjson"]

_MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8; header=present", "ndjson": "application/x-ndjson",
}  # fmt: skip

# What a spreadsheet would take for a formula, if somebody put it into a referer, say.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Row = Mapping[str, object]
Chunks = AsyncIterator[Sequence[Row]]


def read_format(fields: Fields) -> Format:
    """Read `format`, which is CSV if nothing is said; the caller raises what was refused."""
    return cast(Format, given(fields.choice("format", get_args(Format)), "csv"))


async def export_answer(
    kind: Format, name: str, columns: Sequence[str], chunks: Chunks
) -> StreamingResponse:
    """Answer with chunks of rows as they come.

    The first one is awaited before the answer begins, so that what is not there, or a database
    that is away, is still a problem. What fails later cuts the answer off, which clients notice.
    """
    # With a tuple as default, anext() fails on Pythons before 3.12.9 and 3.13.2.
    first = await anext(chunks, None) or ()
    write = _WRITERS[kind]

    async def body() -> AsyncIterator[bytes]:
        if kind == "csv":
            yield write(columns, [dict(zip(columns, columns, strict=True))])
        yield write(columns, first)
        async for chunk in chunks:
            yield write(columns, chunk)

    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    return StreamingResponse(body(), headers=headers, media_type=_MEDIA_TYPES[kind])


def _csv(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_cell(row[name]) for name in columns] for row in rows)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = "|".join(map(str, value))
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def _ndjson(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    encode = msgspec.json.encode
    return b"".join(encode({name: row[name] for name in columns}) + b"\n" for row in rows)


_WRITERS: dict[Format, Callable[[Sequence[str], Sequence[Row]], bytes]] = {
    "csv": _csv, "ndjson": _ndjson,
}  # fmt: skip
