"""The resource `/short-urls/{shortCode}/qr-code`."""

import asyncio
from collections.abc import Mapping
from typing import cast
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from shortener.api_keys import ApiKey
from shortener.entity_tags import tag_of
from shortener.link_key import read_link_key
from shortener.link_store import LinkStore
from shortener.problems import invalid_data
from shortener.qr_code import (
    MAX_MARGIN,
    MAX_SIZE,
    MIN_SIZE,
    ErrorCorrection,
    Format,
    UrlTooLongError,
    draw_qr_code,
)
from shortener.request_fields import Fields, given
from shortener.short_url import ShortUrlPresenter

MEDIA_TYPES: Mapping[str, str] = {"svg": "image/svg+xml", "png": "image/png"}
LEVELS = ("L", "M", "Q", "H")
CACHE_CONTROL = "private, max-age=3600"
"""The code shows the short URL, which never changes; only a deleted one goes on for an hour."""


class QrCodes:
    """Draws in a thread: a large PNG takes longer than others should wait."""

    def __init__(self, *, links: LinkStore, presenter: ShortUrlPresenter) -> None:
        self._links = links
        self._presenter = presenter

    async def get(self, request: Request, api_key: ApiKey) -> Response:
        """GET /short-urls/{shortCode}/qr-code."""
        fields = Fields.from_query(request.query_params)
        format = cast("Format", given(fields.choice("format", tuple(MEDIA_TYPES)), "svg"))
        size = given(fields.integer("size", MIN_SIZE, MAX_SIZE), 300)
        margin = given(fields.integer("margin", 0, MAX_MARGIN), 4)
        level = cast("ErrorCorrection", given(fields.choice("errorCorrection", LEVELS), "M"))
        fields.raise_if_refused()
        key = read_link_key(request, self._presenter.default_domain, self._presenter.public_scheme)
        link = await self._links.find(key, api_key.scope)
        short_url = self._presenter.present(link).short_url
        scheme, _, rest = short_url.partition("://")
        try:
            image = await asyncio.to_thread(
                draw_qr_code,
                f"{scheme}://{quote(rest, safe='/:')}",
                format=format,
                size=size,
                margin=margin,
                error_correction=level,
            )
        except UrlTooLongError:
            reason = "leaves no room for so long a short URL"
            raise invalid_data({"errorCorrection": reason}) from None
        headers = {"ETag": tag_of(image), "Cache-Control": CACHE_CONTROL}
        return Response(image, 200, headers, MEDIA_TYPES[format])
