"""Blocked destinations: refused, taken down, put back up; by the file and by operators."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
import pytest

from redirector.link_store import LinkStore as RedirectorStore
from shared.db.engine import create_engine
from shared.link import Outcome
from shared.link_cache import LinkCache
from shared.settings import DatabaseSettings, Secret
from shared.store_url import DatabaseUrl
from shortener.block_command import BlockSettings, run
from tests.support.api import running_shortener
from tests.support.database import fetch
from tests.support.short_urls import create, edit, try_to_create

EVIL = "https://login.evil.test/a?b=1"

Command = Callable[..., Awaitable[str]]


@pytest.fixture
def command(database_url: str) -> Command:
    """The operators' command on the test's database."""
    settings = BlockSettings(DatabaseSettings(DatabaseUrl(database_url)))
    return lambda *words: run(settings, words)


async def set_rules(client: httpx2.AsyncClient, slug: str, *urls: str) -> httpx2.Response:
    """Give a link one rule for each URL."""
    condition = {"type": "device", "matchValue": "ios"}
    rules = [{"longUrl": url, "conditions": [condition]} for url in urls]
    return await client.post(f"/short-urls/{slug}/redirect-rules", json={"redirectRules": rules})


async def outcome(cache: LinkCache, code: str) -> Outcome:
    """Return what redirects would answer now, by what is cached."""
    link = (await cache.get_many([("", code)]))[0]
    assert link is not None
    return link.decide(0)


async def until(cache: LinkCache, code: str, wanted: Outcome) -> None:
    """Wait until redirects answer so; more time than the bound, for busy machines."""
    async with asyncio.timeout(10):
        while await outcome(cache, code) is not wanted:
            await asyncio.sleep(0.02)


async def test_links_go_down_and_come_back(
    client: httpx2.AsyncClient, cache: LinkCache, command: Command
) -> None:
    """The domain and its subdomains, whatever their port and scheme, and nobody else's links."""
    down = {"evil.test": "https://evil.test", "sub": EVIL, "port": "http://evil.test:81/x#y"}
    up = {"longer": "https://notevil.test/", "hyphen": "https://x-evil.test/",
          "path": "https://good.test/evil.test", "other": "https://evil.test.a.test/"}  # fmt: skip
    for slug, url in (down | up).items():
        await create(client, customSlug=slug, longUrl=url)
    assert await command("block", "*.Evil.TEST", "phishing") == (
        "evil.test is blocked; links to it that are down: 3"
    )
    for slug in down:
        await until(cache, slug, Outcome.BLOCKED)
        assert (await client.get(f"/short-urls/{slug}")).json()["blockedBy"] == "evil.test"
    for slug in up:
        assert await outcome(cache, slug) is Outcome.REDIRECT
        assert "blockedBy" not in (await client.get(f"/short-urls/{slug}")).json()
    await command("unblock", "evil.test")
    for slug in down:
        await until(cache, slug, Outcome.REDIRECT)
    metrics = (await client.get("http://shortener/metrics")).text
    assert 'qck_block_links_total{change="taken_down"} 3.0' in metrics
    assert 'qck_block_links_total{change="put_back"} 3.0' in metrics


async def test_a_blocked_destination_is_refused(
    client: httpx2.AsyncClient, command: Command
) -> None:
    """Creating and editing name the field, the domain and the reason."""
    await command("block", "evil.test", "phishing since May")
    await create(client, customSlug="x")
    reasons = {"longUrl": "leads to evil.test, which is blocked: phishing since May"}
    created = await try_to_create(client, longUrl=EVIL)
    edited = await client.patch("/short-urls/x", json={"longUrl": EVIL})
    for answer in (created, edited):
        assert (answer.status_code, answer.json()["reasons"]) == (400, reasons)


async def test_an_edit_of_the_destination_puts_a_link_back(
    client: httpx2.AsyncClient, cache: LinkCache, command: Command
) -> None:
    """Its owner can repair it; changing anything else leaves it down."""
    await create(client, customSlug="x", longUrl=EVIL)
    await command("block", "evil.test")
    await until(cache, "x", Outcome.BLOCKED)
    assert (await edit(client, "x", title="t"))["blockedBy"] == "evil.test"
    assert await outcome(cache, "x") is Outcome.BLOCKED
    assert "blockedBy" not in await edit(client, "x", longUrl="https://good.test/")
    assert await outcome(cache, "x") is Outcome.REDIRECT


async def test_of_two_blocks_one_is_enough(
    client: httpx2.AsyncClient, cache: LinkCache, command: Command
) -> None:
    """A link comes back only when no blocked domain covers it any more."""
    await create(client, customSlug="x", longUrl=EVIL)
    await command("block", "login.evil.test")
    await command("block", "evil.test")
    await command("unblock", "login.evil.test")
    await until(cache, "x", Outcome.BLOCKED)
    assert (await client.get("/short-urls/x")).json()["blockedBy"] == "evil.test"
    with pytest.raises(SystemExit, match="is not blocked"):
        await command("unblock", "login.evil.test")


async def test_redirect_rules_lead_to_blocked_domains_too(
    client: httpx2.AsyncClient, cache: LinkCache, command: Command
) -> None:
    """One rule that leads there takes its link down, and no other; unblocked, it is back."""
    for slug, url in {"x": EVIL, "y": "https://notevil.test/"}.items():
        await create(client, customSlug=slug)
        assert (await set_rules(client, slug, "https://good.test/", url)).status_code == 200
    await create(client, customSlug="both", longUrl=EVIL)
    assert (await set_rules(client, "both", EVIL)).status_code == 200
    assert await command("block", "evil.test") == (
        "evil.test is blocked; links to it that are down: 2"
    )
    await until(cache, "x", Outcome.BLOCKED)
    await until(cache, "both", Outcome.BLOCKED)
    assert await outcome(cache, "y") is Outcome.REDIRECT
    await command("unblock", "evil.test")
    await until(cache, "x", Outcome.REDIRECT)
    await until(cache, "both", Outcome.REDIRECT)


async def test_rules_to_a_blocked_domain_are_refused(
    client: httpx2.AsyncClient, command: Command
) -> None:
    """With the domain and the reason, among as many rules as there are."""
    await command("block", "evil.test", "phishing")
    await create(client, customSlug="x")
    answer = await set_rules(client, "x", "https://good.test/", EVIL)
    reason = "longUrl leads to evil.test, which is blocked: phishing"
    assert (answer.status_code, answer.json()["reasons"]) == (400, {"redirectRules": reason})


async def test_redirects_of_domains_to_a_blocked_domain_are_refused(
    client: httpx2.AsyncClient, command: Command
) -> None:
    """Each with the domain and the reason, and nothing is changed; what was stored may stay."""
    kept = {"domain": "d.test", "regular404Redirect": "https://evil.test/404"}
    assert (await client.patch("/domains/redirects", json=kept)).status_code == 200
    await command("block", "evil.test", "phishing")
    body = {
        "domain": "d.test",
        "baseUrlRedirect": "https://{DOMAIN}.Evil.test{ORIGINAL_PATH}",
        "regular404Redirect": "https://notevil.test/",
        "invalidShortUrlRedirect": "//name@evil%2Etest",
    }
    answer = await client.patch("/domains/redirects", json=body)
    reason = "leads to evil.test, which is blocked: phishing"
    assert answer.status_code == 400
    assert answer.json()["type"].endswith("/invalid-data")
    assert answer.json()["reasons"] == {
        "baseUrlRedirect": reason, "invalidShortUrlRedirect": reason,
    }  # fmt: skip
    answer = await client.patch(
        "/domains/redirects", json={"domain": "d.test", "baseUrlRedirect": "https://good.test/"}
    )
    assert answer.json() == {
        "baseUrlRedirect": "https://good.test/",
        "regular404Redirect": "https://evil.test/404",
        "invalidShortUrlRedirect": None,
    }


async def test_other_rules_put_a_link_back(
    client: httpx2.AsyncClient, cache: LinkCache, command: Command
) -> None:
    """A link stays down while anything of it leads there, whichever of the two is mended first."""
    await create(client, customSlug="x", longUrl=EVIL)
    await set_rules(client, "x", EVIL)
    await command("block", "evil.test")
    await until(cache, "x", Outcome.BLOCKED)
    assert (await edit(client, "x", longUrl="https://good.test/"))["blockedBy"] == "evil.test"
    assert (await set_rules(client, "x", "https://good.test/1")).status_code == 200
    await until(cache, "x", Outcome.REDIRECT)


async def test_redirectors_read_it_from_the_database_too(
    client: httpx2.AsyncClient, cache: LinkCache, command: Command, database_url: str
) -> None:
    """A blocked link that is not cached is blocked as well."""
    await create(client, customSlug="x", longUrl=EVIL)
    await command("block", "evil.test")
    engine = create_engine(
        Secret(database_url), application_name="tests", pool_size=1, statement_timeout_s=5,
        autocommit=True,
    )  # fmt: skip
    found = await RedirectorStore(engine).find_many([("", "x")])
    await engine.dispose()
    assert found["", "x"].decide(0) is Outcome.BLOCKED


async def test_a_link_created_meanwhile_is_found_by_the_second_pass(
    client: httpx2.AsyncClient, cache: LinkCache, command: Command, database_url: str
) -> None:
    """A creation that looked at the list before the block, and committed after the first pass."""
    await command("block", "evil.test")
    await create(client, customSlug="x")
    await fetch(database_url, "UPDATE links SET long_url = $1", EVIL)
    await fetch(database_url, "UPDATE block_changes SET due_at = now()")
    await until(cache, "x", Outcome.BLOCKED)


async def test_the_file_is_read_again_when_it_changes(
    database_url: str, redis_url: str, cache: LinkCache, command: Command, tmp_path: Path
) -> None:
    """Domains come and go with their lines, without a restart; a mistake does no harm."""
    path = tmp_path / "blocked"
    path.write_text("# list\nevil.test  # here\n\nbad domain\n")
    async with running_shortener(
        database_url, redis_url, BLOCKED_DOMAINS_FILE=str(path)
    ) as client:
        await create(client, customSlug="x", longUrl="https://other.test/")
        async with asyncio.timeout(10):
            while (await try_to_create(client, longUrl=EVIL)).status_code == 200:
                await asyncio.sleep(0.02)
        with pytest.raises(SystemExit, match="not blocked"):
            await command("unblock", "other.test")
        path.write_text("other.test\n")
        await until(cache, "x", Outcome.BLOCKED)
        assert (await try_to_create(client, longUrl=EVIL)).status_code == 200


async def test_many_links_go_down_in_pages(
    client: httpx2.AsyncClient, cache: LinkCache, command: Command, database_url: str
) -> None:
    """More links than a page holds, hosts of several kinds: every one, and only those."""
    await fetch(
        database_url,
        "INSERT INTO links (short_code, long_url, long_url_hash) SELECT 'c' || n,"
        " 'https://' || (ARRAY['evil.test', 'a.evil.test', 'b.evil.test'])[n % 3 + 1] || '/' || n,"
        " '' FROM generate_series(1, 1100) AS n",
    )
    await fetch(
        database_url,
        "INSERT INTO links (short_code, long_url, long_url_hash, rules) SELECT 'c' || n,"
        " 'https://good.test/', '', '[{\"longUrl\": \"https://a.evil.test/\"}]'"
        " FROM generate_series(1101, 1700) AS n",
    )
    await command("block", "evil.test")
    await until(cache, "c1700", Outcome.BLOCKED)
    [row] = await fetch(database_url, "SELECT count(blocked_by) AS down FROM links")
    assert row["down"] == 1700
    async with asyncio.timeout(10):
        while (await fetch(database_url, "SELECT count(*) FROM link_outbox"))[0][0]:
            await asyncio.sleep(0.02)


async def test_the_indexes_are_used(database_url: str) -> None:
    """Looking for the links of a domain reads no other rows."""
    await fetch(
        database_url,
        "INSERT INTO links (short_code, long_url, long_url_hash, rules) SELECT 'c' || n,"
        " 'https://' || n || '.test/', '',"
        " CASE WHEN n % 10 = 0 THEN jsonb_build_array(jsonb_build_object("
        "'longUrl', 'https://' || n || '.example/')) END FROM generate_series(1, 5000) AS n",
    )
    await fetch(database_url, "ANALYZE links")
    rows = await fetch(
        database_url,
        "EXPLAIN SELECT FROM links WHERE reversed_host(long_url) COLLATE \"C\" >= 'tset.live'"
        " AND reversed_host(long_url) COLLATE \"C\" < 'tset.live/'",
    )
    assert any("links_reversed_host_idx" in row[0] for row in rows)
    rows = await fetch(
        database_url,
        "EXPLAIN SELECT FROM links WHERE rules IS NOT NULL"
        " AND rule_domains(rules) @> ARRAY['evil.test'] AND id > 0 ORDER BY id + 0 LIMIT 500",
    )
    assert any("links_rule_domains_idx" in row[0] for row in rows)


async def test_the_list_is_shown(command: Command) -> None:
    """With who blocked and why; what is no domain is refused with its reason."""
    await command("block", "evil.test", "phishing")
    [line] = (await command("list")).splitlines()
    assert line.split()[:2] == ["evil.test", "operator"]
    assert line.endswith("phishing")
    with pytest.raises(ValueError, match="has a port"):
        await command("block", "evil.test:81")
