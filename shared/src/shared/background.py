"""The endless tasks of a service: owned in one place, cancelled at the end, never dead unseen."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

log = structlog.get_logger()


class _StopError(Exception):
    """Ends a task group from within, as the asyncio documentation has it."""


@asynccontextmanager
async def background_tasks() -> AsyncIterator[asyncio.TaskGroup]:
    """Give a task group whose tasks are cancelled when the block ends.

    A task that fails is a bug that would leave the process half alive: it is logged, and the
    process is told to terminate, so that its supervisor starts a whole one.
    """
    body_error: Exception | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            try:
                yield tasks
            except Exception as error:
                body_error = error
                raise
            tasks.create_task(_stop())
    except BaseExceptionGroup as errors:
        if body_error is not None:
            raise body_error from None
        failed = errors.split(_StopError)[1]
        if failed is not None:
            log.error("background_task_failed", exc_info=failed)
            end_process()


def end_process() -> None:
    """Have this process stop as its supervisor's own signal would."""
    signal.raise_signal(signal.SIGTERM)


def is_being_cancelled() -> bool:
    """Tell whether somebody has cancelled the current task.

    aiormq ends calls on a channel that dies with CancelledError, though nobody has cancelled
    anything; whoever lets that pass ends in silence.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def heed_cancellation() -> None:
    """Raise the cancellation of the current task that a library has forgotten.

    redis-py sends with `asyncio.wait_for`, which before Python 3.12 returns its result, or raises
    its error, as if nothing had happened where both come in the same turn. An endless task would
    go on for ever.
    """
    if is_being_cancelled():
        raise asyncio.CancelledError


async def _stop() -> None:
    raise _StopError
