"""Links from elsewhere through nginx, in a file that is larger than any other request."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import msgspec
import pytest

IMPORT = "/short-urls/import?format=csv"


async def test_a_large_file_passes_nginx(
    api: httpx2.AsyncClient, visitor: httpx2.AsyncClient
) -> None:
    """Forty megabytes, more than sockets hold, are taken over line by line."""
    note = "n" * 4_000
    lines = (f"https://example.org/{n},imported-{n},{note},3\n" for n in range(10_000))
    file = "longUrl,shortCode,note,visits\n" + "".join(lines)
    answer = await api.post(IMPORT, content=file.encode(), timeout=60)
    assert answer.status_code == 200, answer.text
    last = answer.text.splitlines()[-1]
    assert last.startswith('{"done":{"rows":10000,"created":10000,')
    redirect = await visitor.get("/imported-9999")
    assert redirect.headers["location"] == "https://example.org/9999"


async def test_interrupted_and_resumed(api: httpx2.AsyncClient) -> None:
    """A caller that leaves ends its import after whole chunks; the same file completes them."""
    lines = (f"https://example.org/{n},resumed-{n}\n" for n in range(20_000))
    file = ("longUrl,shortCode\n" + "".join(lines)).encode()
    async with api.stream("POST", IMPORT, content=file, timeout=60) as left:
        await anext(left.aiter_lines())
    done = await _imported_in_turn(api, file)
    assert 0 < done["existing"] < 20_000
    assert done["existing"] % 500 == 0
    assert done["created"] + done["existing"] == 20_000


async def test_half_a_file(api: httpx2.AsyncClient) -> None:
    """Of a file whose sender breaks off nothing is taken over, and the next one has its turn."""
    file = b"longUrl,shortCode\n" + b"".join(
        b"https://half.test/%d,half-%d\n" % (n, n) for n in range(2000)
    )

    async def half() -> AsyncIterator[bytes]:
        yield file[: len(file) // 2]
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        await api.post(IMPORT, content=half())
    assert (await _imported_in_turn(api, file))["created"] == 2000


async def _imported_in_turn(api: httpx2.AsyncClient, file: bytes) -> dict[str, int]:
    """Import as soon as the former import has ended; return the sums."""
    while (answer := await api.post(IMPORT, content=file, timeout=60)).status_code == 503:
        await asyncio.sleep(0.05)
    sums: dict[str, int] = msgspec.json.decode(answer.text.splitlines()[-1])["done"]
    return sums
