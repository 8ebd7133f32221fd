"""Asking another server that speaks Shlink's REST API for its short URLs."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx2
import msgspec

from shared.settings import Secret
from shortener.link_import.rows import ImportFileError, Rows
from shortener.link_import.shlink import ITEMS_PER_PAGE, read_shlink_api

TIMEOUT_S = 30.0
MAX_PAGE_BYTES = 16 * 1024 * 1024


@asynccontextmanager
async def shlink_rows(
    base_url: str, api_key: Secret, transport: httpx2.AsyncBaseTransport | None = None
) -> AsyncIterator[Rows]:
    """Open the server at `base_url`, as in https://s.example.org, and give its rows.

    Raises, while the rows are read:
        ImportFileError: it does not answer, or not like Shlink.
    """
    if not base_url.startswith(("http://", "https://")):
        raise ImportFileError("baseUrl: must begin with http:// or https://")
    headers = {"X-Api-Key": api_key.reveal(), "Accept": "application/json"}
    async with httpx2.AsyncClient(
        headers=headers, timeout=TIMEOUT_S, transport=transport
    ) as client:

        async def get_page(page: int) -> Mapping[str, object]:
            return await _get_page(client, base_url.rstrip("/"), page)

        yield read_shlink_api(get_page)


async def _get_page(client: httpx2.AsyncClient, base_url: str, page: int) -> Mapping[str, object]:
    parameters = {
        "page": str(page),
        "itemsPerPage": str(ITEMS_PER_PAGE),
        "orderBy": "dateCreated-ASC",
    }
    body = bytearray()
    try:
        async with client.stream(
            "GET", f"{base_url}/rest/v3/short-urls", params=parameters
        ) as answer:
            if answer.status_code != httpx2.codes.OK:
                raise ImportFileError(f"The server answers with status {answer.status_code}.")
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MAX_PAGE_BYTES:
                    raise ImportFileError("The server's page is too large.")
        content = msgspec.json.decode(bytes(body))
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
        raise ImportFileError(f"The server cannot be read: {error!r}.") from None
    except (msgspec.DecodeError, RecursionError):
        raise ImportFileError("The server does not answer like Shlink.") from None
    if not isinstance(content, dict):
        raise ImportFileError("The server does not answer like Shlink.")
    return content
