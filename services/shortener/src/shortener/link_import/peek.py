"""Looking at the beginning of a file without losing it."""

from shortener.link_import.rows import Chunks


async def is_json(chunks: Chunks) -> tuple[bytes, bool]:
    """Return what was read to see it, and whether the file begins like a JSON list or object."""
    first = b""
    async for chunk in chunks:
        # What is left out is not kept: a file may have nothing else.
        first = (first + chunk).removeprefix(b"\xef\xbb\xbf").lstrip()
        if first:
            return first, first[:1] in (b"{", b"[")
    return first, False


async def joined(first: bytes, chunks: Chunks) -> Chunks:
    """Yield what was read, then the rest."""
    yield first
    async for chunk in chunks:
        yield chunk
