"""The first API key, from the settings, as soon as the database is there to take it."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.settings import Secret
from shortener.api_keys import ApiKeys
from shortener.transactions import TRY_LATER

log = structlog.get_logger()

RETRY_S = 1.0

Sleep = Callable[[float], Awaitable[None]]


async def store_initial_key(keys: ApiKeys, key: Secret, sleep: Sleep = asyncio.sleep) -> None:
    """Store it where there is none yet; try until the database answers and has its tables."""
    has_said_so = False
    while True:
        try:
            if await keys.create_initial(key):
                log.info("initial_api_key_stored")
            return
        except TRY_LATER as error:
            if not has_said_so:
                log.warning("initial_api_key_waits", reason=str(error))
            has_said_so = True
            await sleep(RETRY_S)
