"""A redirector as it is wired, beside the API, on real stores: changes are seen here."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx2
import pytest

from tests.support.database import fetch
from tests.support.databases_of_places import write_places
from tests.support.redirector import RunningRedirector, running_redirector
from tests.support.short_urls import LONG_URL, create

SEEN_WITHIN_S = 10.0
"""More than the promised second, for busy machines; that is proven of its parts."""

APP = "https://example.org/app"
TO_APP = {"longUrl": APP, "conditions": [
    {"type": "device", "matchKey": None, "matchValue": "ios"}]}  # fmt: skip
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"


@pytest.fixture
async def redirector(
    database_url: str, redis_url: str, tmp_path: Path
) -> AsyncIterator[RunningRedirector]:
    """A redirector with everything that can be set."""
    write_places(tmp_path / "places.mmdb")
    async with running_redirector(
        database_url,
        redis_url,
        tmp_path / "spool",
        GEOIP_DATABASE=str(tmp_path / "places.mmdb"),
        DISABLE_TRACKING_FROM="10.0.0.0/8,192.168.*.*",
        DISABLE_TRACK_PARAM="silent",
        DEFAULT_REGULAR_404_REDIRECT="https://e.test/404?at={ORIGINAL_PATH}",
    ) as running:
        yield running


async def set_rules(client: httpx2.AsyncClient, code: str, *rules: object) -> None:
    """Set rules through the API, which must succeed."""
    path = f"/short-urls/{code}/redirect-rules"
    answer = await client.post(path, json={"redirectRules": list(rules)})
    assert answer.status_code == 200, answer.text


async def until_seen(look: Callable[[], Awaitable[object]], wanted: object) -> None:
    """Look again and again until it is what is wanted."""
    async with asyncio.timeout(SEEN_WITHIN_S):
        while await look() != wanted:
            await asyncio.sleep(0.005)


async def test_rules_are_seen_while_traffic_runs(
    client: httpx2.AsyncClient, redirector: RunningRedirector
) -> None:
    """Each change of rules is seen, by cached links too, and no visit fails."""
    await create(client, customSlug="x")
    statuses: set[int] = set()
    is_over = asyncio.Event()

    async def keep_visiting() -> None:
        while not is_over.is_set():
            statuses.add((await redirector.visitor.get("/x")).status_code)

    async def location() -> str | None:
        return await redirector.location("/x", user_agent=IPHONE)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(4):
            tasks.create_task(keep_visiting())
        await until_seen(location, LONG_URL)
        for _ in range(3):
            await set_rules(client, "x", TO_APP)
            await until_seen(location, APP)
            await set_rules(client, "x")
            await until_seen(location, LONG_URL)
        is_over.set()
    assert statuses == {302}


async def test_a_rule_by_place_and_the_country_of_the_click(
    client: httpx2.AsyncClient, redirector: RunningRedirector
) -> None:
    """Both are of the full address, of which the click keeps only the network."""
    await create(client, customSlug="x")
    city = {"type": "geolocation-city-name", "matchKey": None, "matchValue": "amsterdam"}
    await set_rules(client, "x", {"longUrl": "https://e.test/ams", "conditions": [city]})
    ams = await redirector.location("/x", x_real_ip="203.0.113.77")
    elsewhere = await redirector.location("/x", x_real_ip="198.51.100.1")
    assert (ams, elsewhere) == ("https://e.test/ams", LONG_URL)
    assert [(click.country, click.ip, click.redirect_url) for click in redirector.clicks()] == [
        ("NL", "203.0.113.0", "https://e.test/ams"),
        ("FR", "198.51.100.0", LONG_URL),
    ]


async def test_a_limit_counts_visits_whichever_way_they_go(
    client: httpx2.AsyncClient, redirector: RunningRedirector
) -> None:
    """Ten visits of a link with rules are ten, however many come at once."""
    await create(client, customSlug="x", maxVisits=10)
    await set_rules(client, "x", TO_APP)
    async with asyncio.TaskGroup() as tasks:
        agents = [(IPHONE, "Mozilla/5.0 (X11; Linux x86_64)")[n % 2] for n in range(60)]
        visits = [tasks.create_task(redirector.location("/x", user_agent=a)) for a in agents]
    assert sorted(str(visit.result()) for visit in visits)[:50] == ["None"] * 50
    assert {visit.result() for visit in visits} <= {APP, LONG_URL, None}
    assert sum(visit.result() is not None for visit in visits) == 10


async def test_redirects_of_domains_are_seen(
    redirector: RunningRedirector, database_url: str
) -> None:
    """Each change of theirs; what a domain has not is the default."""

    async def base_url() -> str | None:
        return await redirector.location("/")

    assert await redirector.location("/a/b") == "https://e.test/404?at=%2Fa%2Fb"
    assert await base_url() is None
    await fetch(
        database_url,
        "INSERT INTO domains (authority, base_url_redirect)"
        " VALUES ('', 'https://e.test{ORIGINAL_PATH}')",
    )
    await until_seen(base_url, "https://e.test/")
    await fetch(database_url, "UPDATE domains SET base_url_redirect = NULL")
    await until_seen(base_url, None)
    assert {click.type for click in redirector.clicks()} == {"base_url", "regular_404"}


async def test_who_is_not_tracked(
    client: httpx2.AsyncClient, redirector: RunningRedirector
) -> None:
    """Addresses and a parameter of the settings; all are redirected."""
    await create(client, customSlug="x")
    for path, address in (
        ("/x", "10.1.2.3"), ("/x", "192.168.9.9"), ("/x?silent", "203.0.113.1"),
        ("/x/track", "10.1.2.3"), ("/x?nostat", "203.0.113.1"),
    ):  # fmt: skip
        await redirector.location(path, x_real_ip=address)
    assert [click.redirect_url for click in redirector.clicks()] == [f"{LONG_URL}&nostat"]


async def test_robots_txt_has_crawlable_links(
    client: httpx2.AsyncClient, redirector: RunningRedirector
) -> None:
    """And no others."""
    await create(client, customSlug="yes", crawlable=True)
    await create(client, customSlug="no")
    await create(client, customSlug="there", crawlable=True, domain="d.test")
    answer = await redirector.visitor.get("/robots.txt")
    assert answer.text == "User-agent: *\nAllow: /yes\nDisallow: /\n"
    other = await redirector.visitor.get("/robots.txt", headers={"host": "d.test"})
    assert other.text == "User-agent: *\nAllow: /there\nAllow: /yes\nDisallow: /\n"
