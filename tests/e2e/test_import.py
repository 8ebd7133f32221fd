"""Links from elsewhere through nginx, in a file that is larger than any other request."""

import httpx2


async def test_a_large_file_passes_nginx(
    api: httpx2.AsyncClient, visitor: httpx2.AsyncClient
) -> None:
    """Four megabytes are taken, told of line by line, and the links lead where they should."""
    title = "t" * 400
    lines = (f"https://example.org/{n},imported-{n},{title},3\n" for n in range(10_000))
    file = "longUrl,shortCode,title,visits\n" + "".join(lines)
    answer = await api.post("/short-urls/import?format=csv", content=file.encode(), timeout=60)
    assert answer.status_code == 200, answer.text
    last = answer.text.splitlines()[-1]
    assert last.startswith('{"done":{"rows":10000,"created":10000,')
    redirect = await visitor.get("/imported-9999")
    assert redirect.headers["location"] == "https://example.org/9999"
