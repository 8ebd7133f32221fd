"""Keys: who gets in, how keys are stored, and how they are made."""

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest

from shortener import api_key_command
from tests.support.api import API_KEY, running_shortener
from tests.support.database import fetch


@pytest.fixture
async def client(database_url: str, redis_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a running shortener with its first key."""
    async with running_shortener(database_url, redis_url) as client:
        yield client


async def status(client: httpx2.AsyncClient, key: str) -> int:
    """Call with this key."""
    answer = await client.get("/short-urls", headers={"X-Api-Key": key})
    if answer.status_code == 401:
        assert answer.json()["type"].endswith("/invalid-api-key")
    return answer.status_code


async def run_command(database_url: str, *arguments: str) -> tuple[int, str, str]:
    """Run the command that makes keys."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shortener.api_key_command", *arguments,
        env={"DATABASE_URL": database_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await process.communicate()
    return process.returncode or 0, output.decode().strip(), errors.decode().strip()


async def test_without_a_key(client: httpx2.AsyncClient) -> None:
    """The answer says which header is expected; an empty one counts as none."""
    del client.headers["X-Api-Key"]
    for headers in ({}, {"X-Api-Key": ""}):
        answer = await client.get("/short-urls", headers=headers)
        assert answer.status_code == 401
        assert answer.json()["type"].endswith("/missing-authentication")
        assert answer.json()["expectedHeaders"] == ["X-Api-Key"]


async def test_a_wrong_key(client: httpx2.AsyncClient) -> None:
    """Nearly right is wrong."""
    for key in ("wrong", API_KEY + "x", API_KEY.upper(), "'--", "ÿ", "x" * 5000):
        headers = {b"X-Api-Key": key.encode("latin-1")}
        answer = await client.get("/short-urls", headers=headers)
        assert answer.status_code == 401, key
        assert answer.json()["type"].endswith("/invalid-api-key")


async def test_a_disabled_or_expired_key(client: httpx2.AsyncClient, database_url: str) -> None:
    """Both stop at once, and one that expires later works."""
    for is_enabled, expires, expected in (
        (False, None, 401),
        (True, timedelta(seconds=-1), 401),
        (True, timedelta(hours=1), 200),
    ):
        await fetch(
            database_url,
            "UPDATE api_keys SET is_enabled = $1, expires_at = now() + $2::interval",
            is_enabled,
            expires,
        )
        assert await status(client, API_KEY) == expected


async def test_keys_are_stored_hashed(client: httpx2.AsyncClient, database_url: str) -> None:
    """The first key has a name, a hash, and is nowhere else."""
    rows = await fetch(database_url, "SELECT name, key_hash FROM api_keys")
    assert [tuple(row) for row in rows] == [("initial", hashlib.sha256(API_KEY.encode()).digest())]


async def test_the_first_key_is_only_for_the_first_start(
    database_url: str, redis_url: str
) -> None:
    """Where there is a key, no other comes out of the settings."""
    async with running_shortener(database_url, redis_url):
        pass
    other = {"INITIAL_API_KEY": "another-first-key-1"}
    async with running_shortener(database_url, redis_url, **other) as client:
        assert await status(client, "another-first-key-1") == 401
        assert await status(client, API_KEY) == 200


async def test_many_starts_at_once_store_one_first_key(database_url: str, redis_url: str) -> None:
    """Replicas that start together do not trip over each other."""

    async def start() -> None:
        async with running_shortener(database_url, redis_url):
            pass

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(start())
    assert len(await fetch(database_url, "SELECT FROM api_keys")) == 1


async def test_the_command_makes_a_key(client: httpx2.AsyncClient, database_url: str) -> None:
    """It prints the key once, and the key works; a name can be used once."""
    code, key, _ = await run_command(database_url, "create", "team a")
    assert code == 0
    assert len(key) >= 40
    assert await status(client, key) == 200
    code, output, errors = await run_command(database_url, "create", "team a")
    assert (code, output) == (1, "")
    assert "'team a'" in errors


async def test_the_command_explains_itself(database_url: str) -> None:
    """A missing name, a missing setting and a missing database are one line each."""
    assert (await run_command(database_url))[2].startswith("usage:")
    assert "DATABASE_URL is not set" in (await run_command("", "list"))[2]
    code, _, errors = await run_command("postgresql://a:secret@127.0.0.1:1/x", "list")
    assert (code, errors) == (1, "api_keys: The database does not answer.")


async def test_the_command_limits_lists_disables_and_rotates(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """What it was told is what the list shows; a disabled or replaced key opens nothing."""
    arguments = ("--role", "DOMAIN_SPECIFIC,NO_ORPHAN_VISITS", "--domain", "D.test")
    _, key, _ = await run_command(
        database_url, "create", *arguments, "--expires", "2099-01-31", "--", "-limited"
    )
    assert await status(client, key) == 200
    _, listed, _ = await run_command(database_url, "list")
    assert key not in listed
    assert listed.splitlines()[-1].split(maxsplit=2) == [
        "-limited",
        "valid",
        "2099-01-31 00:00 UTC DOMAIN_SPECIFIC, NO_ORPHAN_VISITS (d.test)",
    ]
    _, renewed, _ = await run_command(database_url, "rotate", "--", "-limited")
    assert (await status(client, key), await status(client, renewed)) == (401, 200)
    await run_command(database_url, "disable", "--", "-limited")
    assert await status(client, renewed) == 401
    _, listed, _ = await run_command(database_url, "list")
    assert listed.splitlines()[-1].split()[1] == "disabled"


def test_the_command_refuses_what_makes_no_sense(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A role without its domain, a domain that is none, names and roles that there are not."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    for arguments, reason in (
        (("create", "x", "--role", "DOMAIN_SPECIFIC"), "go together"),
        (("create", "x", "--domain", "d.test"), "go together"),
        (("create", "x", "--role", "DOMAIN_SPECIFIC", "--domain", "a b"), "the domain is not"),
        (("create", "x", "--role", "KING"), "invalid role value"),
        (("create", "x", "--expires", "soon"), "invalid date value"),
        (("create", " "), "invalid name value"),
        (("disable", "nobody"), "there is no key named 'nobody'"),
        (("rotate", "nobody"), "there is no key named 'nobody'"),
    ):
        with pytest.raises(SystemExit) as ended:
            api_key_command.main(arguments)
        output, errors = capsys.readouterr()
        assert ended.value.code not in (None, 0)
        assert output == ""
        assert reason in f"{ended.value.code} {errors}"


async def test_the_link_knows_its_key(client: httpx2.AsyncClient, database_url: str) -> None:
    """The list can be narrowed to the links of a key."""
    _, key, _ = await run_command(database_url, "create", "other")
    body = {"longUrl": "https://example.org/"}
    await client.post("/short-urls", json=body)
    made = await client.post("/short-urls", json=body, headers={"X-Api-Key": key})
    listed = (await client.get("/short-urls?apiKeyName=other")).json()["shortUrls"]["data"]
    assert listed == [made.json()]
