"""The list of short URLs on a real PostgreSQL: filters, search, order, pages, round trips."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from sqlalchemy import event

from shared.db.engine import create_engine
from shared.settings import Secret
from shortener.link_search import MAX_COUNTED_IN_SEARCH, LinkSearch
from shortener.short_url_list import ShortUrlQuery
from tests.support.api import running_shortener
from tests.support.database import fetch
from tests.support.folding import fold

LINKS: list[dict[str, Any]] = [
    {"customSlug": "alpha", "longUrl": "https://one.test/", "tags": ["red", "blue"]},
    {"customSlug": "beta", "longUrl": "https://two.test/100%25", "tags": ["red"], "title": "Bee"},
    {"customSlug": "gamma", "longUrl": "https://three.test/", "domain": "d.test",
     "title": "a_b", "validUntil": "2020-01-01"},
    {"customSlug": "delta", "longUrl": "https://four.test/", "maxVisits": 1, "tags": ["green"]},
]  # fmt: skip
VISITS = {"alpha": (1, 9), "beta": (5, 0), "gamma": (3, 1)}

FILTERS = [
    ("", "delta gamma beta alpha"),
    ("tags[]=red", "beta alpha"),
    ("tags[]=RED&tags[]=green", "delta beta alpha"),
    ("tags[]=red&tags[]=blue&tagsMode=all", "alpha"),
    ("tags[]=nope", ""),
    ("excludeTags[]=red", "delta gamma"),
    ("excludeTags[]=red&excludeTags[]=blue&excludeTagsMode=all", "delta gamma beta"),
    ("startDate=2025-01-02T00:00:00Z", "delta gamma beta"),
    ("endDate=2025-01-02T00:00:00Z", "beta alpha"),
    ("startDate=2025-01-02&endDate=2025-01-02T00:00:00%2B00:00", "beta"),
    ("startDate=0001-01-01&endDate=9999-12-31T23:59:59Z", "delta gamma beta alpha"),
    ("startDate=9999-12-31", ""),
    ("excludeMaxVisitsReached=true", "gamma beta alpha"),
    ("excludePastValidUntil=true", "delta beta alpha"),
    ("excludePastValidUntil=false", "delta gamma beta alpha"),
    ("domain=d.test", "gamma"),
    ("domain=DEFAULT", "delta beta alpha"),
    ("domain=s.test", "delta beta alpha"),
    ("domain=unknown.test", ""),
    ("domain=not%20a%20domain", ""),
    ("apiKeyName=initial", "delta gamma beta alpha"),
    ("apiKeyName=nobody", ""),
    ("tags[]=red&searchTerm=two", "beta"),
]
SEARCHES = [
    ("two.test", "beta"),
    ("ALPH", "alpha"),
    ("bee", "beta"),
    ("gree", "delta"),
    ("d.test", "gamma"),
    ("s.te", "delta beta alpha"),
    ("%25", "beta"),
    ("_", "gamma"),
    ("a_", "gamma"),
    ("%5C", ""),
    ("nothing", ""),
]
ORDERS = [
    ("shortCode", "alpha beta delta gamma"),
    ("shortCode-DESC", "gamma delta beta alpha"),
    ("longUrl-ASC", "delta alpha gamma beta"),
    ("dateCreated-ASC", "alpha beta gamma delta"),
    ("title", "alpha delta beta gamma"),
    ("visits-DESC", "alpha beta gamma delta"),
    ("nonBotVisits-DESC", "beta gamma alpha delta"),
    ("nonBotVisits", "delta alpha gamma beta"),
]
BAD_QUERIES = [
    ("tagsMode=some&orderBy=id&startDate=x", ["tagsMode", "orderBy", "startDate"]),
    ("page=x", ["page"]),
    ("itemsPerPage=1e9", ["itemsPerPage"]),
    ("page=99999999999999999999", ["page"]),
    ("searchTerm=a%00b", ["searchTerm"]),
    ("tags[]=a%00b", ["tags"]),
    ("excludePastValidUntil=perhaps", ["excludePastValidUntil"]),
    ("orderBy=visits-UP", ["orderBy"]),
]
ODD_QUERIES = ["%ff=%fe", "searchTerm=%ff%fe", "&&==&", "tags[x]=a", "tags[][]=a"]


@pytest.fixture
async def client(database_url: str, redis_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a shortener with four links, a day apart, the first the oldest."""
    async with running_shortener(database_url, redis_url) as client:
        for link in LINKS:
            assert (await client.post("/short-urls", json=link)).status_code == 200
        await fetch(
            database_url,
            "UPDATE links SET created_at = '2025-01-01T00:00:00.5Z'::timestamptz"
            " + (id - (SELECT min(id) FROM links)) * interval '1 day'",
        )
        await fetch(database_url, "UPDATE links SET visits_left = 0 WHERE short_code = 'delta'")
        for code, (people, bots) in VISITS.items():
            await fetch(
                database_url,
                "INSERT INTO click_counts_total SELECT id, 'link', v.b, v.n FROM links,"
                " (VALUES (false, $2::bigint), (true, $3::bigint)) v (b, n)"
                " WHERE short_code = $1",
                code,
                people,
                bots,
            )
        await fold(database_url)
        yield client


async def codes(client: httpx2.AsyncClient, query: str) -> list[str]:
    """List with this query; return the codes in their order."""
    answer = await client.get(f"/short-urls?{query}")
    assert answer.status_code == 200, answer.text
    return [item["shortCode"] for item in answer.json()["shortUrls"]["data"]]


async def test_filters(client: httpx2.AsyncClient) -> None:
    """Each filter narrows the list, and all of them together."""
    for query, expected in FILTERS:
        assert await codes(client, query) == expected.split(), query


async def test_search(client: httpx2.AsyncClient) -> None:
    """In long URL, code, title, domain and tags; wildcards stand for themselves."""
    for term, expected in SEARCHES:
        assert await codes(client, f"searchTerm={term}") == expected.split(), term


async def test_search_does_not_look_at_tags_that_are_asked_for(
    client: httpx2.AsyncClient,
) -> None:
    """Asking for all of some tags, a term is not looked for in tags as well."""
    assert await codes(client, "searchTerm=red&tags[]=red") == ["beta", "alpha"]
    assert await codes(client, "searchTerm=red&tags[]=red&tagsMode=all") == []


async def test_order(client: httpx2.AsyncClient) -> None:
    """By each field both ways; no title sorts as an empty one."""
    for order, expected in ORDERS:
        assert await codes(client, f"orderBy={order}") == expected.split(), order


async def test_pages(client: httpx2.AsyncClient) -> None:
    """The envelope says where one is, and a page past the end is empty."""
    answer = (await client.get("/short-urls?itemsPerPage=3&page=2")).json()["shortUrls"]
    assert [item["shortCode"] for item in answer["data"]] == ["alpha"]
    assert answer["pagination"] == {
        "currentPage": 2,
        "pagesCount": 2,
        "itemsPerPage": 3,
        "itemsInCurrentPage": 1,
        "totalItems": 4,
    }
    assert await codes(client, "itemsPerPage=3&page=3") == []
    assert await codes(client, "itemsPerPage=2147483647&page=2147483647") == []
    assert len(await codes(client, "itemsPerPage=-1")) == 4


async def test_an_item_is_the_same_as_alone(client: httpx2.AsyncClient) -> None:
    """Tags and totals belong to their links."""
    items = (await client.get("/short-urls")).json()["shortUrls"]["data"]
    for item in items:
        domain = item["domain"] or "s.test"
        alone = await client.get(f"/short-urls/{item['shortCode']}?domain={domain}")
        assert alone.json() == item
    assert [item["visitsSummary"]["total"] for item in items] == [0, 4, 5, 10]
    assert items[3]["tags"] == ["blue", "red"]


async def test_a_list_is_some_statements(client: httpx2.AsyncClient, database_url: str) -> None:
    """However many links a page has and whatever is shown of them."""
    engine = create_engine(
        Secret(database_url), application_name="tests", pool_size=1, statement_timeout_s=5
    )
    statements: list[str] = []
    event.listen(
        engine.sync_engine,
        "before_cursor_execute",
        lambda *arguments: statements.append(arguments[2]),
    )
    query = ShortUrlQuery(search_term="t", tags=("red", "green"), order_by="visits")
    found, total = await LinkSearch(engine).find_page(query)
    await engine.dispose()
    assert (len(found), total, len(statements)) == (3, 3, 7)
    assert not any("FROM clicks" in statement for statement in statements)


async def test_totals_above_the_bound_are_estimates_that_lead_to_the_end(
    client: httpx2.AsyncClient, database_url: str
) -> None:
    """Whoever reads page after page reads all; the last page has the exact total."""
    await fetch(
        database_url,
        "INSERT INTO links (short_code, long_url, long_url_hash, title)"
        " SELECT 'x' || n, 'https://many.test/' || n, '', 'x' FROM generate_series(1, $1::int) n",
        MAX_COUNTED_IN_SEARCH + 500,
    )
    await fetch(database_url, "ANALYZE links")
    for order in ("", "&orderBy=visits-DESC", "&orderBy=title"):
        seen: list[str] = []
        page, pages = 0, 1
        while page < pages:
            page += 1
            query = f"searchTerm=many.test&itemsPerPage=400&page={page}{order}"
            shown = (await client.get(f"/short-urls?{query}")).json()["shortUrls"]
            seen += [item["shortCode"] for item in shown["data"]]
            pages = shown["pagination"]["pagesCount"]
        assert len(seen) == len(set(seen)) == MAX_COUNTED_IN_SEARCH + 500
        assert shown["pagination"]["totalItems"] == len(seen)
    assert await codes(client, "searchTerm=many.test&page=2147483647") == []


async def test_bad_queries(client: httpx2.AsyncClient) -> None:
    """All bad parameters are named, each with its reason."""
    for query, elements in BAD_QUERIES:
        answer = await client.get(f"/short-urls?{query}")
        assert answer.status_code == 400, query
        assert answer.json()["invalidElements"] == elements
        assert list(answer.json()["reasons"]) == elements


async def test_odd_queries_are_answered(client: httpx2.AsyncClient) -> None:
    """Bytes that are no text, names that are none."""
    for query in ODD_QUERIES:
        assert (await client.get(f"/short-urls?{query}")).status_code == 200, query
