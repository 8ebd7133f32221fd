"""The servers of a stack: private, restarted when they die, and configured as promised."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import aio_pika
import pytest

from local_stack.binaries import SEARCH_PATH, find
from local_stack.environment import fresh_secrets
from local_stack.processes import tree
from local_stack.readiness import postgres_answers
from local_stack.session_weight import NICENESS
from local_stack.stack import Stack
from tests.support.stack import a_stack, started_stack

SERVERS = ("epmd", "rabbitmq", "postgres", "redis", "nginx")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield the servers alone, in a home that has been used with other passwords before.

    Its name has what configuration files and shells take for their own.
    """
    home = tmp_path_factory.mktemp("stack") / "100% mine ; #1"
    with a_stack(home, ["rabbitmq"]):
        pass
    with started_stack(home, SERVERS, fresh_secrets()) as stack:
        yield stack


def test_everything_listens_on_loopback_only(stack: Stack) -> None:
    """Nobody else on the network reaches a server, RabbitMQ's distribution included."""
    inodes = {
        os.readlink(descriptor)
        for name in SERVERS
        for pid in tree(stack.pid(name))
        for descriptor in Path(f"/proc/{pid}/fd").iterdir()
        if descriptor.is_symlink()
    }
    addresses = []
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            _, local, _, state, *rest = line.split()
            if state == "0A" and f"socket:[{rest[5]}]" in inodes:
                addresses.append(local.partition(":")[0])
    assert len(addresses) >= 7
    assert set(addresses) <= {"0100007F", "00000000000000000000000001000000"}


def test_postgres_logs_no_complaint_about_who_only_asks_whether_it_answers(stack: Stack) -> None:
    """Who asks hears it out, also at the start."""
    assert postgres_answers(stack.port("postgres")) == "ok"
    assert "could not receive data" not in stack.home.log("postgres").read_text()


def test_postgres_sessions_are_light_soon_after_the_start(stack: Stack) -> None:
    """Where the kernel weighs sessions, supervisord finds those of PostgreSQL by itself."""
    pid = stack.pid("postgres")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        weights = [Path(f"/proc/{child}/autogroup") for child in children]
        said = [weight.read_text() for weight in weights if weight.exists()]
        if not said or any(f" nice {NICENESS}" in text for text in said):
            return
        time.sleep(0.2)
    pytest.fail(f"all sessions weigh as much as all that visitors wait for: {said}")


def test_passwords_are_not_in_the_process_table(stack: Stack) -> None:
    """Everybody on the machine can read command lines."""
    lines = [
        Path(f"/proc/{pid}/cmdline").read_text()
        for name in SERVERS
        for pid in tree(stack.pid(name))
    ]
    secrets = [
        value for value in stack.service_environment("shortener").values() if len(value) > 40
    ]
    assert secrets
    assert not any(secret in line for secret in secrets for line in lines)


def test_policies_hold(stack: Stack) -> None:
    """Limits and dead-lettering are there without any code of ours having run."""
    policies = {policy["name"]: policy for policy in _rabbitmqctl(stack, "list_policies")}
    assert policies["clicks-ingest"]["pattern"] == r"^clicks\.ingest$"
    assert json.loads(policies["clicks-ingest"]["definition"]) == {
        "dead-letter-exchange": "clicks.dead",
        "dead-letter-strategy": "at-least-once",
        "overflow": "reject-publish",
        "max-length-bytes": 8_589_934_592,
        "delivery-limit": 100,
    }
    assert json.loads(policies["clicks-dead"]["definition"]) == {
        "overflow": "reject-publish",
        "max-length-bytes": 1_073_741_824,
        # Each look at the dead letters delivers them, and RabbitMQ 4 drops what was delivered
        # twenty times where no limit is set.
        "delivery-limit": 1_000_000,
    }


async def test_policies_apply_to_the_queues(stack: Stack) -> None:
    """The stack's own user may declare the queues, and each gets the policy meant for it."""
    async with await aio_pika.connect(stack.urls.amqp_url) as connection:
        channel = await connection.channel()
        for name in ("clicks.ingest", "clicks.dead", "clicks.other"):
            await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
    queues = _rabbitmqctl(stack, "list_queues", "name", "policy")
    assert {queue["name"]: queue["policy"] for queue in queues} == {
        "clicks.ingest": "clicks-ingest",
        "clicks.dead": "clicks-dead",
        "clicks.other": "",
    }


@pytest.mark.parametrize("name", ["redis", "postgres", "nginx"])
def test_killed_server_comes_back(stack: Stack, name: str) -> None:
    """Within seconds, as another process."""
    before = stack.pid(name)
    stack.kill(name)
    stack.wait_ready(name, timeout_s=10)
    assert stack.pid(name) != before


def test_frozen_server_answers_after_the_thaw(stack: Stack) -> None:
    """Frozen means silent, not gone."""
    before = stack.pid("postgres")
    stack.freeze("postgres")
    with pytest.raises(TimeoutError):
        stack.probe("postgres")
    stack.thaw("postgres")
    stack.wait_ready("postgres", timeout_s=10)
    assert stack.pid("postgres") == before


def test_stopped_server_stays_stopped(stack: Stack) -> None:
    """Until it is started again."""
    stack.freeze("redis")
    stack.stop_program("redis")
    with pytest.raises(ConnectionRefusedError):
        stack.probe("redis")
    assert stack.states()["redis"].is_stopped
    stack.start_program("redis")
    stack.wait_ready("redis", timeout_s=10)


def test_redis_is_a_cache(stack: Stack) -> None:
    """Bounded, least frequently used out first, nothing on disk."""
    environment = {
        "PATH": SEARCH_PATH,
        "REDISCLI_AUTH": stack.urls.redis_url.split(":")[2].split("@")[0],
    }
    shown = subprocess.run(
        [
            "redis-cli",
            "-p",
            str(stack.port("redis")),
            "CONFIG",
            "GET",
            "maxmemory*",
            "save",
            "appendonly",
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    settings = dict(zip(shown[::2], shown[1::2], strict=False))
    assert settings["maxmemory"] == str(512 * 1024 * 1024)
    assert settings["maxmemory-policy"] == "allkeys-lfu"
    assert (settings["save"], settings["appendonly"]) == ("", "no")


def _rabbitmqctl(stack: Stack, *arguments: str) -> list[dict[str, str]]:
    command = find("rabbitmqctl")
    assert command is not None
    done = subprocess.run(
        [command, "--quiet", "--formatter", "json", *arguments],
        env={"PATH": SEARCH_PATH, **stack.service_environment("rabbitmq")},
        capture_output=True,
        text=True,
        check=True,
    )
    rows: list[dict[str, str]] = json.loads(done.stdout)
    return rows
