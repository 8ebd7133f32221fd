"""Who may call the API: the bearer of a valid key in `X-Api-Key`."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from shortener.api_keys import ApiKey, ApiKeys
from shortener.problems import (
    invalid_api_key,
    missing_authentication,
    missing_query_authentication,
)

HEADER = "X-Api-Key"
QUERY_PARAMETER = "apiKey"

Endpoint = Callable[[Request], Awaitable[Response]]
Authenticated = Callable[[Request, ApiKey], Awaitable[Response]]
Clock = Callable[[], datetime]


class Authentication:
    """Asks the database at each request, so that a key that is disabled stops at once."""

    def __init__(self, keys: ApiKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    def required(self, handle: Authenticated) -> Endpoint:
        """Make an endpoint that hands only requests with a valid key on."""

        async def endpoint(request: Request) -> Response:
            return await handle(request, await self._authenticate(request))

        return endpoint

    def required_in_query(self, handle: Authenticated) -> Endpoint:
        """Make the same with the key in the query, where Shlink's oldest call has it."""

        async def endpoint(request: Request) -> Response:
            given = request.query_params.get(QUERY_PARAMETER, "")
            if not given:
                raise missing_query_authentication(QUERY_PARAMETER)
            return await handle(request, await self._find(given.encode("utf-8", "replace")))

        return endpoint

    async def _authenticate(self, request: Request) -> ApiKey:
        given = request.headers.get(HEADER, "")
        if not given:
            raise missing_authentication(HEADER)
        # Starlette decodes headers as Latin-1; back to the bytes that were sent.
        return await self._find(given.encode("latin-1"))

    async def _find(self, given: bytes) -> ApiKey:
        key = await self._keys.find(given)
        if key is None or not key.is_valid(self._clock()):
            raise invalid_api_key()
        return key
