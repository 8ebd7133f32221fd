"""A primary and its streaming standby, of a test's own, and the end of the primary."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from local_stack import binaries, users
from local_stack.ports import choose_ports
from local_stack.postgres import SERVER_USER
from local_stack.program import Program

STARTS_WITHIN_S = 30
_NAMES = ("primary", "standby")
_OPTIONS = ("unix_socket_directories=", "listen_addresses=127.0.0.1", "fsync=off", "jit=off")


class PostgresPair:
    """Both servers; a commit on the primary is answered when the standby has it."""

    def __init__(self, folder: Path, ports: dict[str, int]) -> None:
        self._folder = folder
        self._ports = ports
        self._servers: dict[str, subprocess.Popen[bytes]] = {}
        self.url = (
            f"postgresql://qck:none@127.0.0.1:{ports['primary']},127.0.0.1:{ports['standby']}"
            "/qck?target_session_attrs=read-write"
        )
        """Both addresses, of which services take the one that can be written to."""
        self.standby_url = f"postgresql://qck:none@127.0.0.1:{ports['standby']}/qck"

    async def start(self) -> None:
        """Make and start both."""
        self._run("initdb", "--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
                  "--username=qck", "-D", str(self._data("primary")))  # fmt: skip
        await self._serve("primary", "synchronous_standby_names=*")
        server = f"postgresql://qck@127.0.0.1:{self._ports['primary']}/postgres"
        # There is no standby yet whom this could wait for.
        alone = {"synchronous_commit": "local"}
        connection = await asyncpg.connect(server, server_settings=alone)
        await connection.execute("CREATE DATABASE qck")
        await connection.close()
        self._run("pg_basebackup", "--no-sync", "--checkpoint=fast", "--write-recovery-conf",
                  "-d", server, "-D", str(self._data("standby")))  # fmt: skip
        await self._serve("standby")
        connection = await asyncpg.connect(self.url)
        try:
            async with asyncio.timeout(STARTS_WITHIN_S):
                while not await connection.fetchval(
                    "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
                ):
                    await asyncio.sleep(0.05)
        finally:
            await connection.close()

    def lose_primary(self) -> None:
        """Kill the primary, which has no time to tell anybody anything."""
        self._end("primary")

    async def promote(self) -> None:
        """Make the standby the primary."""
        connection = await asyncpg.connect(self.standby_url)
        try:
            assert await connection.fetchval("SELECT pg_promote()")
        finally:
            await connection.close()

    def stop(self) -> None:
        """End what is left of them."""
        for name in list(self._servers):
            self._end(name)

    def _end(self, name: str) -> None:
        # QUIT, and not KILL, which would leave its children and its shared memory to themselves.
        server = self._servers.pop(name)
        server.send_signal(3)
        server.wait()

    async def _serve(self, name: str, *options: str) -> None:
        command = ["postgres", "-D", str(self._data(name)), "-p", str(self._ports[name])]
        for option in (*_OPTIONS, *options):
            command += ["-c", option]
        self._servers[name] = self._begin(name, command)
        async with asyncio.timeout(STARTS_WITHIN_S):
            while not await _answers(self._ports[name]):
                assert self._servers[name].poll() is None, (
                    self._folder / f"{name}.log"
                ).read_text()
                await asyncio.sleep(0.05)

    def _begin(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        with (self._folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                self._command(*command), cwd=self._folder, stdout=log, stderr=log
            )

    def _data(self, name: str) -> Path:
        return self._folder / name

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            self._command(*command), cwd=self._folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def _command(self, name: str, *arguments: str) -> list[str]:
        folder = binaries.postgres_folder()
        assert folder is not None
        user = SERVER_USER if users.is_root() else None
        program = Program(
            name=name, command=(), folder=self._folder, port=0, probe=str, user=user,
            death_signal="QUIT",
            reaches_home=user is None or users.can_reach(user, self._folder),
        )  # fmt: skip
        return [*program.wrapper(), str(folder / name), *arguments]


async def _answers(port: int) -> bool:
    try:
        connection = await asyncpg.connect(f"postgresql://qck@127.0.0.1:{port}/postgres")
    except (OSError, asyncpg.CannotConnectNowError):
        return False
    await connection.close()
    return True


@asynccontextmanager
async def a_postgres_pair(folder: Path) -> AsyncIterator[PostgresPair]:
    """Run a pair in the folder for the block."""
    if users.is_root():
        users.give(folder, SERVER_USER)
    pair = PostgresPair(folder, choose_ports(list(_NAMES), wanted={}))
    try:
        await pair.start()
        yield pair
    finally:
        pair.stop()
