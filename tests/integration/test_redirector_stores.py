"""The redirector's reads and the taking of visits, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from redirector.crawlable_links import CrawlableLinks
from redirector.domain_store import DomainStore
from redirector.link_store import LinkStore
from redirector.visit_limit import VisitLimit
from shared.db.engine import create_engine, warm
from shared.redirect_rule import Condition, RedirectRule, decode_rules, encode_rules
from shared.settings import Secret
from tests.support.database import fetch, taking_no_writes


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine as the redirector makes it."""
    made = create_engine(
        Secret(database_url),
        application_name="tests",
        pool_size=4,
        statement_timeout_s=2,
        pool_timeout_s=5,
        autocommit=True,
    )
    yield made
    await made.dispose()


async def insert(url: str, code: str, domain: str = "", visits: int | None = None) -> int:
    """Insert a link and return its id."""
    connection = await asyncpg.connect(url)
    link_id: int = await connection.fetchval(
        "INSERT INTO links (domain, short_code, long_url, long_url_hash, max_visits, visits_left,"
        " valid_since) VALUES ($1, $2, 'https://e.test/', '', $3, $3, 'epoch') RETURNING id",
        domain, code, visits,
    )  # fmt: skip
    await connection.close()
    return link_id


async def test_many_links_are_one_statement(database_url: str, engine: AsyncEngine) -> None:
    """All keys of a batch, of several domains, are read at once and told apart."""
    first = await insert(database_url, "a")
    other = await insert(database_url, "a", domain="d.test")
    await insert(database_url, "b", domain="d.test")
    statements: list[str] = []
    event.listen(
        engine.sync_engine,
        "before_cursor_execute",
        lambda *arguments: statements.append(arguments[2]),
    )
    found = await LinkStore(engine).find_many([("", "a"), ("d.test", "a"), ("", "nope")])
    assert {key: link.link_id for key, link in found.items() if key != ("d.test", "b")} == {
        ("", "a"): first,
        ("d.test", "a"): other,
    }
    assert found[("", "a")].valid_since_ms == 0
    assert len(statements) == 1


async def test_a_broken_connection_is_not_noticed(database_url: str, engine: AsyncEngine) -> None:
    """After the server has dropped every connection the next read still answers."""
    link_id = await insert(database_url, "a")
    await warm(engine, 4)
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()
    found = await LinkStore(engine).find_many([("", "a")])
    assert found[("", "a")].link_id == link_id


async def test_a_limit_is_exact_under_concurrency(database_url: str, engine: AsyncEngine) -> None:
    """Two hundred concurrent visits of a link with ten are exactly ten."""
    link_id = await insert(database_url, "a", visits=10)
    limit = VisitLimit(engine)
    async with asyncio.TaskGroup() as tasks:
        taken = [tasks.create_task(limit.take(link_id)) for _ in range(200)]
    assert sum(task.result() for task in taken) == 10
    assert not await limit.has_left(link_id)


async def test_looking_takes_nothing(database_url: str, engine: AsyncEngine) -> None:
    """Asking whether a visit is left leaves it."""
    link_id = await insert(database_url, "a", visits=1)
    limit = VisitLimit(engine)
    assert await limit.has_left(link_id)
    assert await limit.take(link_id)
    assert not await limit.take(link_id)


async def test_a_lifted_limit_refuses_nobody(database_url: str, engine: AsyncEngine) -> None:
    """A link whose limit was lifted after it was cached is redirected; a deleted one is not."""
    link_id = await insert(database_url, "a")
    assert await VisitLimit(engine).take(link_id)
    assert not await VisitLimit(engine).take(link_id + 1)


async def test_visits_are_taken_on_the_primary_once_there_is_one(
    database_url: str, engine: AsyncEngine
) -> None:
    """Who was connected to a standby connects anew, and each visit is taken once."""
    link_id = await insert(database_url, "a", visits=1)
    limit = VisitLimit(engine)
    async with taking_no_writes(database_url):
        with pytest.raises(DBAPIError, match="read-only"):
            await limit.take(link_id)
        assert await limit.has_left(link_id)
    with pytest.raises(DBAPIError, match="read-only"):
        await limit.take(link_id)
    assert await limit.take(link_id)
    assert not await limit.take(link_id)


async def test_warming_opens_the_whole_pool(engine: AsyncEngine) -> None:
    """After warming, all connections are open and idle."""
    await warm(engine, 4)
    assert "Connections in pool: 4" in engine.pool.status()


async def test_warming_says_what_is_wrong() -> None:
    """Warming against no server raises the reason and not a group."""
    engine = create_engine(
        Secret("postgresql://qck:x@127.0.0.1:1/qck"),
        application_name="tests",
        pool_size=2,
        statement_timeout_s=1,
    )
    with pytest.raises(OSError, match="Connect"):
        await warm(engine, 2)
    await engine.dispose()


async def test_rules_are_read_with_the_link(database_url: str, engine: AsyncEngine) -> None:
    """As text that decodes to what was stored; nothing where there are none."""
    await insert(database_url, "a")
    await insert(database_url, "b")
    rules = [RedirectRule("https://e.test/\u00e9", (Condition("device", None, "ios"),))]
    await fetch(
        database_url, "UPDATE links SET rules = $1 WHERE short_code = 'a'", encode_rules(rules)
    )
    found = await LinkStore(engine).find_many([("", "a"), ("", "b")])
    assert list(decode_rules(found["", "a"].rules)) == rules
    assert found["", "b"].rules == ""


async def test_redirects_of_domains(database_url: str, engine: AsyncEngine) -> None:
    """Domains that have none are left out, and so is what is null or empty."""
    await fetch(
        database_url,
        "INSERT INTO domains (authority, base_url_redirect, regular_404_redirect,"
        " invalid_short_url_redirect) VALUES ('', NULL, 'https://e.test/404', NULL),"
        " ('d.test', 'https://d.test/', '', 'https://d.test/code'),"
        " ('none.test', NULL, NULL, NULL)",
    )
    assert await DomainStore(engine).find_redirects() == {
        "": {"regular_404": "https://e.test/404"},
        "d.test": {"base_url": "https://d.test/", "invalid_short_url": "https://d.test/code"},
    }


async def test_a_redirect_to_a_blocked_domain_is_none(
    database_url: str, engine: AsyncEngine
) -> None:
    """Whatever its subdomain and spelling, and it alone, for as long as the domain is blocked."""
    await fetch(
        database_url,
        "INSERT INTO domains (authority, base_url_redirect, regular_404_redirect,"
        " invalid_short_url_redirect) VALUES"
        " ('a.test', 'https://Login.EVIL.test{ORIGINAL_PATH}', 'https://notevil.test/', '/'),"
        " ('b.test', 'https://name@{DOMAIN}.evil.test/', '//evil.test', NULL)",
    )
    await fetch(database_url, "INSERT INTO blocked_domains VALUES ('evil.test', 'file')")
    store = DomainStore(engine)
    assert await store.find_redirects() == {
        "a.test": {"regular_404": "https://notevil.test/", "invalid_short_url": "/"},
        "b.test": {},
    }
    await fetch(database_url, "DELETE FROM blocked_domains")
    assert [len(kinds) for kinds in (await store.find_redirects()).values()] == [3, 2]


async def test_crawlable_links(database_url: str, engine: AsyncEngine) -> None:
    """The first of each domain, out of an index that has no others, in one statement."""
    for code in "cab":
        await insert(database_url, code)
        await insert(database_url, code, domain="d.test")
    await fetch(database_url, "UPDATE links SET crawlable = short_code <> 'b' OR domain = ''")
    links = CrawlableLinks(engine)
    assert await links.find(["", "d.test", "e.test"], 2) == {
        "": ["a", "b"], "d.test": ["a", "c"], "e.test": [],
    }  # fmt: skip
