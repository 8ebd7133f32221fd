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
    too_many_requests,
)
from shortener.rate_limit import RateLimit

HEADER = "X-Api-Key"
QUERY_PARAMETER = "apiKey"

Endpoint = Callable[[Request], Awaitable[Response]]
Authenticated = Callable[[Request, ApiKey], Awaitable[Response]]
Clock = Callable[[], datetime]


class Authentication:
    """Asks the database at each request, so that a key that is disabled stops at once."""

    def __init__(self, keys: ApiKeys, clock: Clock, rate_limit: RateLimit) -> None:
        self._keys = keys
        self._clock = clock
        self._rate_limit = rate_limit

    def required(self, handle: Authenticated) -> Endpoint:
        """Make an endpoint that hands on only requests with a valid key, within its share."""

        async def endpoint(request: Request) -> Response:
            return await self._handle(handle, request, await self._authenticate(request))

        return endpoint

    def required_in_query(self, handle: Authenticated) -> Endpoint:
        """Make the same with the key in the query, where Shlink's oldest call has it."""

        async def endpoint(request: Request) -> Response:
            given = request.query_params.get(QUERY_PARAMETER, "")
            if not given:
                raise missing_query_authentication(QUERY_PARAMETER)
            api_key = await self._find(given.encode("utf-8", "replace"))
            return await self._handle(handle, request, api_key)

        return endpoint

    async def _handle(self, handle: Authenticated, request: Request, api_key: ApiKey) -> Response:
        allowance = await self._rate_limit.take(api_key.id)
        if allowance is None:
            return await handle(request, api_key)
        if not allowance.is_allowed:
            raise too_many_requests(allowance.retry_after_s, allowance.headers)
        response = await handle(request, api_key)
        response.headers.update(allowance.headers)
        return response

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
