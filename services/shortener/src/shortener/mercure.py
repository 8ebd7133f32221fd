"""The resource `/mercure-info`: there is no hub, which Shlink's clients take for an answer."""

from starlette.requests import Request
from starlette.responses import Response

from shortener.api_keys import ApiKey
from shortener.problems import mercure_not_configured


async def mercure_info(request: Request, api_key: ApiKey) -> Response:
    """GET /mercure-info."""
    raise mercure_not_configured()
