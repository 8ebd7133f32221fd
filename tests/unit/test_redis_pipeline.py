"""Commands to Redis that are broken off in the moment in which they fail."""

import asyncio
from typing import Any, cast

import pytest
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError

from shared.redis_pipeline import execute


class AForgetfulPipeline:
    """Fails when cancelled, as the client's `asyncio.wait_for` may before Python 3.12."""

    async def execute(self) -> list[Any]:
        """Fail of something else."""
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise RedisConnectionError from None
        return []


async def test_who_is_cancelled_ends_although_redis_fails_in_that_moment() -> None:
    """An endless task that goes on after any failure of Redis would not end otherwise."""
    task = asyncio.create_task(execute(cast("Pipeline", AForgetfulPipeline())))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
