"""What becomes of a service whose endless tasks end."""

import asyncio
import signal
import subprocess
import sys

import pytest

from shared.background import background_tasks, heed_cancellation


async def test_tasks_end_with_their_block() -> None:
    """All of them are cancelled and have ended when the block is left."""
    async with background_tasks() as tasks:
        running = [tasks.create_task(asyncio.Event().wait()) for _ in range(3)]
        await asyncio.sleep(0)
    assert all(task.cancelled() for task in running)


async def test_an_error_of_the_block_is_what_is_raised() -> None:
    """It is not wrapped, and ends the tasks too."""
    running: list[asyncio.Task[bool]] = []

    async def block() -> None:
        async with background_tasks() as tasks:
            running.append(tasks.create_task(asyncio.Event().wait()))
            raise LookupError("the block's own")

    with pytest.raises(LookupError, match="the block's own"):
        await block()
    assert running[0].cancelled()


async def forgetful_call() -> None:
    """Return as if nothing had happened when cancelled, as `asyncio.wait_for` may."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return


async def test_an_endless_task_ends_although_a_library_forgets_that_it_is_to() -> None:
    """The cancellation that a call has swallowed is raised after it."""

    async def endless() -> None:
        while True:
            await forgetful_call()
            heed_cancellation()

    async with asyncio.timeout(10), background_tasks() as tasks:
        task = tasks.create_task(endless())
        await asyncio.sleep(0)
    assert task.cancelled()


async def test_a_deadline_holds_although_a_library_forgets_it() -> None:
    """What was swallowed of a deadline is its error after the call, and nothing later."""

    async def late() -> None:
        async with asyncio.timeout(0):
            await forgetful_call()
            heed_cancellation()

    with pytest.raises(TimeoutError):
        await late()
    heed_cancellation()


def test_a_failed_task_ends_the_process() -> None:
    """By the signal that its supervisor would send, after the error was logged."""
    script = (
        "import asyncio; from shared.background import background_tasks\n"
        "async def fail(): raise LookupError('a bug')\n"
        "async def main():\n"
        "    async with background_tasks() as tasks:\n"
        "        tasks.create_task(fail()); await asyncio.Event().wait()\n"
        "asyncio.run(main())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == -signal.SIGTERM
    assert "background_task_failed" in done.stdout
    assert "a bug" in done.stdout
