"""Choosing ports, and naming who has one that is wanted."""

import os
import socket
from collections.abc import Iterator

import pytest

from local_stack import ports as ports_module
from local_stack.errors import StackError
from local_stack.ports import (
    BLOCK_SIZE,
    choose_ports,
    find_holder,
    first_outgoing_port,
    taken_port_problem,
    why_taken,
)


@pytest.fixture
def taken() -> Iterator[int]:
    """Yield a port on which this process listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_ports_are_free_and_different() -> None:
    """And below those of outgoing connections, which could take them while a server restarts."""
    ports = choose_ports([str(number) for number in range(BLOCK_SIZE)], wanted={})
    assert len(set(ports.values())) == BLOCK_SIZE
    assert not any(why_taken(port) for port in ports.values())
    assert max(ports.values()) < first_outgoing_port()


def test_wanted_ports_are_kept() -> None:
    """A restarted stack is where it was."""
    first = choose_ports(["a", "b"], wanted={})
    assert choose_ports(["a", "b"], wanted=first) == first


def test_wanted_port_that_is_taken_is_replaced(taken: int) -> None:
    """Somebody else's port is left to them."""
    assert choose_ports(["a"], wanted={"a": taken})["a"] != taken


def test_ports_next_to_a_taken_one_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are those of a stack that has stopped one of its programs for a while."""
    candidates = range(ports_module._LOWEST, first_outgoing_port())
    in_use = set(candidates[3::BLOCK_SIZE])
    block = candidates[5 * BLOCK_SIZE : 6 * BLOCK_SIZE]
    in_use.difference_update(block)
    monkeypatch.setattr(
        ports_module, "why_taken", lambda port: OSError("taken") if port in in_use else None
    )
    assert choose_ports(["a", "b"], wanted={}) == {"a": block[0], "b": block[1]}
    in_use.add(block[-1])
    with pytest.raises(StackError, match="ports in a row"):
        choose_ports(["a", "b"], wanted={})


def test_ports_to_avoid() -> None:
    """The public ports are not handed out, though nobody listens yet."""
    port = choose_ports(["a"], wanted={})["a"]
    assert choose_ports(["a"], wanted={"a": port}, avoid={port})["a"] != port


def test_holder_is_named(taken: int) -> None:
    """The process that listens is found."""
    holder = find_holder(taken)
    assert holder is not None
    assert holder.startswith(f"pid {os.getpid()} (")


def test_taken_port_is_explained(taken: int) -> None:
    """Who has it, and what to set instead."""
    problem = taken_port_problem(taken, "PUBLIC_PORT")
    assert problem is not None
    assert f"port {taken} is taken by pid {os.getpid()}" in problem
    assert "PUBLIC_PORT=... in .env" in problem


def test_free_port_is_no_problem() -> None:
    """Nothing is said about a port that can be had."""
    assert taken_port_problem(choose_ports(["a"], wanted={})["a"], "API_PORT") is None
