"""TCP ports on the loopback address: which are free, and who has one that is not."""

import errno
import os
import socket
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from random import SystemRandom

from local_stack.errors import StackError

LOOPBACK = "127.0.0.1"
BLOCK_SIZE = 16
"""Ports in a row that one stack has for itself."""

_LOWEST = 15_000
_LISTENING = "0A"


def first_outgoing_port() -> int:
    """Return where the kernel begins to pick ports for outgoing connections."""
    text = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
    return int(text.split()[0])


def why_taken(port: int) -> OSError | None:
    """Return why nobody may listen on `port`, or None if it is free."""
    with socket.socket() as probe:
        # As servers do: connections of the last run that are still closing are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            return error
    return None


def choose_ports(
    names: Iterable[str], *, wanted: Mapping[str, int], avoid: Collection[int] = ()
) -> dict[str, int]:
    """Give each name a free port: those in `wanted` while all of them are, else of one new block.

    Nobody listens anywhere in a new block: a program that another stack has stopped for a while
    leaves its own port free, but not those of its neighbours. Blocks lie below the range of
    outgoing connections, because a server that is restarted under load would otherwise find its
    port used as the source of somebody's connection.

    Raises:
        StackError: each block has a port that is taken.
    """
    names = list(names)
    if len(names) > BLOCK_SIZE:
        raise ValueError(f"{len(names)} ports do not fit into a block of {BLOCK_SIZE}")

    def are_free(some: Collection[int]) -> bool:
        return not any(port in avoid or why_taken(port) for port in some)

    kept = {name: wanted[name] for name in names if name in wanted}
    if len(kept) == len(names) and are_free(kept.values()):
        return kept
    highest = max(first_outgoing_port(), _LOWEST + 1_000) - BLOCK_SIZE
    firsts = range(_LOWEST, highest + 1, BLOCK_SIZE)
    # Not what a seed repeats: another stack that starts now would choose the same.
    for first in SystemRandom().sample(firsts, len(firsts)):
        if are_free(range(first, first + BLOCK_SIZE)):
            return dict(zip(names, count(first), strict=False))
    raise StackError(f"no {BLOCK_SIZE} ports in a row are free from {_LOWEST} to {highest}")


def taken_port_problem(port: int, setting: str) -> str | None:
    """Say in a sentence why `port` cannot be had and what to do, or None if it can."""
    error = why_taken(port)
    if error is None:
        return None
    if error.errno == errno.EACCES:
        return f"port {port} may only be opened by root: set {setting}=... in .env"
    holder = find_holder(port)
    by = f" by {holder}" if holder else ""
    return f"port {port} is taken{by}: stop that or set {setting}=... in .env"


def require_free(doors: Mapping[str, int]) -> None:
    """Refuse ports, by the settings that they come from, of which one cannot be had.

    Raises:
        StackError: with a sentence for each.
    """
    found = [taken_port_problem(port, setting) for setting, port in doors.items()]
    if problems := [problem for problem in found if problem]:
        raise StackError("\n".join(problems))


def find_holder(port: int) -> str | None:
    """Return "pid 123 (name)" of the process that listens on `port`, if it can be seen."""
    inodes = _listening_inodes(port)
    links = {f"socket:[{inode}]" for inode in inodes}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # gone meanwhile, or somebody else's
            for descriptor in (process / "fd").iterdir():
                if os.readlink(descriptor) in links:
                    name = (process / "comm").read_text().strip()
                    return f"pid {process.name} ({name})"
    return None


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                fields = line.split()
                if int(fields[1].rpartition(":")[2], 16) == port and fields[3] == _LISTENING:
                    inodes.add(fields[9])
    return inodes
