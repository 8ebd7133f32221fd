"""Reading JSON exports: what the other server's API answers, one page or several after another."""

from collections.abc import AsyncIterator

import msgspec

from shortener.link_import.rows import Chunks, ImportFileError

MAX_BYTES = 64 * 1024 * 1024
"""A JSON document is read before any of it is used; 64 MiB are some 150,000 links."""

MAX_VALUES = 5_000_000
"""More than 64 MiB of links have, some 25 each. Of `[]` alone they would take 1.5 GB of memory,
and a third of a minute in which nobody else is served."""


async def read_items(
    first: bytes, chunks: Chunks, members: tuple[str, ...]
) -> AsyncIterator[object]:
    """Yield the items of each list, which is the document or one of its `members`.

    Raises:
        ImportFileError: it is too large, no JSON, or has no such list.
    """
    document = bytearray(first)
    async for chunk in chunks:
        document += chunk
        if len(document) > MAX_BYTES:
            raise ImportFileError(f"A JSON export may have {MAX_BYTES:,} bytes; split it.")
    if sum(map(document.count, (b"[", b"{", b","))) > MAX_VALUES:
        raise ImportFileError(f"A JSON export may have {MAX_VALUES:,} values; split it.")
    for page in _pages(bytes(document)):
        for item in _items(page, members):
            yield item


def _pages(document: bytes) -> list[object]:
    try:
        return [msgspec.json.decode(document)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return msgspec.json.Decoder().decode_lines(document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ImportFileError(
            "The file is neither JSON nor JSON documents line by line."
        ) from None


def _items(page: object, members: tuple[str, ...]) -> list[object]:
    if isinstance(page, list):
        return page
    if isinstance(page, dict):
        for name in members:
            found = page.get(name)
            if isinstance(found, list):
                return found
            if isinstance(found, dict):
                return list(found.values())
        return [page]
    raise ImportFileError(f"The file has no list of links ({' or '.join(members)}).")
