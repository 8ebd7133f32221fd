"""A program of this project that a test runs as a whole, and that ends with the test."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENDED_WITHIN_S = 60.0


@asynccontextmanager
async def a_program(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program in a session of its own, as a shell would; end it if it is still there."""
    # It ends with this process, however that ends: Ctrl-C in a terminal does not reach it.
    process = await asyncio.create_subprocess_exec(
        "setpriv", "--pdeathsig=TERM", "--",
        sys.executable, "-m", module, *arguments,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            await _end(process)


async def output_of(process: asyncio.subprocess.Process, within_s: float) -> str:
    """Wait for the end of a program; return what it has printed.

    Raises:
        TimeoutError: it goes on.
    """
    async with asyncio.timeout(within_s):
        output, _ = await process.communicate()
    return output.decode()


async def interrupt_at(process: asyncio.subprocess.Process, words: bytes, within_s: float) -> None:
    """Press Ctrl-C when a line with these words is printed, and wait for the end.

    Raises:
        TimeoutError: there is no such line in time, or it goes on.
    """
    assert process.stdout is not None
    async with asyncio.timeout(within_s):
        while words not in (line := await process.stdout.readline()):
            assert line, f"it ended before it printed {words!r}"
    process.send_signal(signal.SIGINT)
    await output_of(process, within_s)


async def _end(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    try:
        await output_of(process, ENDED_WITHIN_S)  # nobody else reads what it still has to say
    except TimeoutError:
        process.kill()
        await process.wait()
