"""Budgets of connections against the limits of real servers; pools are open when ready."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from redis.asyncio import Redis

import redirector.app
import redirector.lookups
import redirector.settings
import shortener.app
from local_stack.stack import Stack
from shared.pool_budget import ReplicaSettings
from shared.pool_limits import database_problem, pool_problems, redis_problem
from shared.settings import DatabaseSettings, RedisSettings, Secret, load
from shared.store_url import DatabaseUrl, RedisUrl
from tests.support.api import a_settings, running
from tests.support.database import fetch
from tests.support.ingest import running_worker

NOBODY = DatabaseUrl("postgresql://qck:secret@127.0.0.1:1/qck")


async def test_a_fleet_beyond_max_connections_is_refused(database_url: str) -> None:
    """The sizing document's 300 are more than the server has, and the arithmetic is shown."""
    database = DatabaseSettings(url=DatabaseUrl(database_url), max_connections=300)
    problem = await database_problem(database, ReplicaSettings())
    assert problem is not None
    assert (
        "2 redirector x 60 + 1 shortener x 120 + 1 click-ingest x 60 = 300 connections, and"
        " PostgreSQL allows 97 (max_connections 100 - 3 reserved)" in problem
    )
    assert "at least 303" in problem


async def test_a_fleet_beyond_maxclients_is_refused(redis_url: str) -> None:
    """Redis' own limit counts likewise, and who opens nothing is not in the sum."""
    problem = await redis_problem(
        RedisSettings(url=RedisUrl(redis_url), pool_size=2000), ReplicaSettings()
    )
    assert problem is not None
    assert (
        "2 redirector x 800 + 1 shortener x 400 = 2000 connections, and Redis allows 1000"
        in problem
    )


async def test_more_replicas_than_a_budget_has_connections_for_are_refused(
    database_url: str,
) -> None:
    """What processes open at the least counts, also where the budget says less."""
    database = DatabaseSettings(url=DatabaseUrl(database_url), max_connections=20)
    problem = await database_problem(database, ReplicaSettings(redirector=60))
    assert problem is not None
    assert "60 redirector x 2 + 1 shortener x 1 + 1 click-ingest x 1 = 122" in problem


async def test_a_replica_for_reads_is_asked_for_what_redirectors_open(database_url: str) -> None:
    """Only their part of the sum has to fit there; the primary has to fit all of it."""
    read_url = Secret(f"{database_url}?application_name=reads")
    database = DatabaseSettings(url=NOBODY, max_connections=400)
    problem = await database_problem(database, ReplicaSettings(), read_url)
    assert problem is not None
    assert "does not fit: 2 redirector x 80 = 160 connections" in problem


async def test_the_defaults_fit_and_a_server_that_is_away_refuses_nobody(
    database_url: str, redis_url: str
) -> None:
    """A start does not depend on a server that a service can do without for a while."""
    assert await pool_problems(a_settings(database_url, redis_url)) == []
    assert await pool_problems(a_settings(NOBODY.reveal(), "redis://127.0.0.1:1/0")) == []


@pytest.mark.parametrize("module", ["redirector", "shortener", "click_ingest"])
def test_a_service_whose_fleet_does_not_fit_does_not_start(stores: Stack, module: str) -> None:
    """The process ends with 2, and one message that no traceback surrounds."""
    name = {"redirector": "redirector-1", "click_ingest": "click-ingest"}.get(module, module)
    environment = stores.service_environment(name) | {
        "HTTP_PORT": "1",
        "DATABASE_MAX_CONNECTIONS": "300",
        "DEFAULT_DOMAIN": "s.test",
    }
    done = subprocess.run(
        [sys.executable, "-m", module],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("DATABASE_MAX_CONNECTIONS=300 does not fit") == 1
    assert "Traceback" not in done.stderr


async def test_pools_are_open_before_a_service_is_ready(
    database_url: str,
    redis_url: str,
    amqp_url: str,
    tmp_path: Path,
    patience: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """When its lifespan has begun, each has its whole share open at both servers."""
    # A redirector, too, is to wait for its stores while the machine stands still.
    for name in ("LATE_TIMEOUT_S", "WRITE_BACK_MAX_AGE_S"):
        monkeypatch.setattr(redirector.lookups, name, 30.0)
    variables = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "AMQP_URL": amqp_url,
        "DEFAULT_DOMAIN": "s.test",
        "VISITOR_HASH_KEY": "k" * 32,
        "SPOOL_DIR": str(tmp_path / "spool"),
        "INSTANCE": "warm-redirector",
        "LOOKUP_DATABASE_TIMEOUT_MS": "30000",
    }
    redirects = redirector.app.create_app(load(redirector.settings.Settings, variables))
    api = shortener.app.create_app(a_settings(database_url, redis_url, INSTANCE="warm-shortener"))
    async with (
        redirects.router.lifespan_context(redirects),
        running(api),
        running_worker(database_url, amqp_url, INSTANCE="warm-worker"),
        Redis.from_url(redis_url) as redis,
    ):
        rows = await fetch(
            database_url,
            "SELECT application_name, count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() GROUP BY 1",
        )
        clients = Counter(client["name"] for client in await redis.client_list())
    opened = {row["application_name"]: row["count"] for row in rows}
    assert opened["warm-redirector"] + opened["warm-redirector visit limits"] == 4
    assert (opened["warm-shortener"], opened["warm-worker"]) == (8, 4)
    of_redirector = {name: count for name, count in clients.items() if "redirector" in name}
    assert sum(of_redirector.values()) == 8
    assert clients["warm-shortener"] == 4
