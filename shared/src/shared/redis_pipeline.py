"""Sending Redis several commands at once, over a connection that leads to who takes writes."""

from typing import Any

from redis.asyncio.client import Pipeline
from redis.exceptions import ReadOnlyError, ResponseError

from shared.background import heed_cancellation


async def execute(pipeline: Pipeline) -> list[Any]:
    """Run what is in the pipeline, in one round trip.

    Raises:
        redis.exceptions.RedisError | OSError | TimeoutError: the first that failed.
    """
    try:
        results: list[Any] = await pipeline.execute()
    except ResponseError as error:
        # A primary that was demoted keeps its connections, and would refuse each write for as
        # long as they last; its address leads to another one by now. Of a script, servers
        # before 7 say it in the middle of another error.
        if isinstance(error, ReadOnlyError) or "READONLY" in str(error):
            await pipeline.connection_pool.disconnect(inuse_connections=False)
        raise
    finally:
        heed_cancellation()
    return results
