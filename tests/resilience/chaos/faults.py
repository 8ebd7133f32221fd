"""Carrying a fault out on a running stack, and making everything whole again."""

import asyncio
import os
import subprocess
import time
from collections.abc import Callable
from signal import SIGHUP

from redis import Redis
from redis.exceptions import RedisError

from local_stack import binaries
from local_stack.errors import StackError
from local_stack.stack import Stack
from tests.resilience.chaos.fault import Action, Episode, Fault
from tests.resilience.chaos.spool_disk import SpoolDisk

WELL_WITHIN_S = 90.0
REFILL_S = 0.1

_MEMORY_ALARM = ("set_vm_memory_high_watermark", "0")
_MEMORY_CALM = ("set_vm_memory_high_watermark", "absolute", "1GB")
_DISK_ALARM = ("set_disk_free_limit", "100000GB")
_DISK_CALM = ("set_disk_free_limit", "256MB")
"""The calm values are those of deploy/rabbitmq/rabbitmq.conf."""


class Faults:
    """Hurts one stack, one fault at a time or several at once."""

    __slots__ = ("_disk", "_stack")

    def __init__(self, stack: Stack, disk: SpoolDisk) -> None:
        self._stack = stack
        self._disk = disk

    async def carry_out(self, fault: Fault) -> Episode:
        """Do it, keep it up for its time, end it, and wait until the component is well."""
        began_at = time.time()
        problem = ""
        try:
            await self._hurt(fault)
            if fault.component in self._stack.programs:
                await self._wait_well(fault.component)
        except (StackError, OSError, RedisError, subprocess.SubprocessError) as error:
            problem = f"{error}".partition("\n")[0] or repr(error)
        return Episode(fault, began_at, time.time(), problem)

    async def heal(self) -> list[str]:
        """Undo whatever may still be wrong; return what does not come back."""
        self._disk.free()
        problems = []
        for name in self._stack.programs:
            try:
                await asyncio.to_thread(self._start, name)
                await self._wait_well(name)
            except StackError as error:
                problems.append(f"{name} does not come back: {error}")
        for calm in (_MEMORY_CALM, _DISK_CALM):
            await asyncio.to_thread(self._rabbitmqctl, *calm)
        return problems

    async def flush_redis(self) -> None:
        """Empty the cache."""
        await asyncio.to_thread(self._flush)

    async def _hurt(self, fault: Fault) -> None:
        stack, name = self._stack, fault.component
        match fault.action:
            case Action.KILL:
                await asyncio.to_thread(stack.kill, name)
            case Action.RELOAD:
                await asyncio.to_thread(stack.kill, name, SIGHUP)
            case Action.RESTART:
                await asyncio.to_thread(stack.restart_program, name)
            case Action.FLUSH:
                await self.flush_redis()
            case Action.FREEZE:
                await self._keep_up(fault, lambda: stack.freeze(name), lambda: stack.thaw(name))
            case Action.STOP:
                await self._keep_up(
                    fault, lambda: stack.stop_program(name), lambda: stack.start_program(name)
                )
            case Action.MEMORY_ALARM:
                await self._raise_alarm(fault, _MEMORY_ALARM, _MEMORY_CALM)
            case Action.DISK_ALARM:
                await self._raise_alarm(fault, _DISK_ALARM, _DISK_CALM)
            case Action.FILL:
                await self._fill(fault.lasts_s)

    async def _raise_alarm(
        self, fault: Fault, alarm: tuple[str, ...], calm: tuple[str, ...]
    ) -> None:
        await self._keep_up(
            fault, lambda: self._rabbitmqctl(*alarm), lambda: self._rabbitmqctl(*calm)
        )

    async def _keep_up(
        self, fault: Fault, begin: Callable[[], None], end: Callable[[], None]
    ) -> None:
        await asyncio.to_thread(begin)
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            await asyncio.to_thread(end)

    async def _fill(self, lasts_s: float) -> None:
        """Fill the disk again and again, since confirmed segments are deleted meanwhile."""
        until = time.monotonic() + lasts_s
        try:
            while time.monotonic() < until:
                await asyncio.to_thread(self._disk.fill)
                await asyncio.sleep(REFILL_S)
        finally:
            self._disk.free()

    async def _wait_well(self, name: str) -> None:
        await asyncio.to_thread(self._stack.wait_ready, name, WELL_WITHIN_S)

    def _start(self, name: str) -> None:
        if self._stack.states()[name].is_running:
            self._stack.thaw(name)
        self._stack.start_program(name)

    def _flush(self) -> None:
        with Redis.from_url(self._stack.urls.redis_url) as redis:
            redis.flushall()

    def _rabbitmqctl(self, *words: str) -> None:
        folders = os.pathsep.join((binaries.SEARCH_PATH, os.environ.get("PATH", "")))
        subprocess.run(
            [binaries.require("rabbitmqctl"), *words],
            env={**self._stack.service_environment("rabbitmq"), "PATH": folders},
            check=True,
            capture_output=True,
            timeout=60,
        )
