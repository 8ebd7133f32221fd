"""The bytes that clients of Shlink's REST API parse: members, their order, and their spelling."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from shortener import problems
from shortener.pagination import paginate
from shortener.problems import Problem
from shortener.short_url import ShortUrlPresenter
from shortener.short_url_list import ShortUrlQuery
from shortener.stored_link import StoredLink, cached_link

PRESENTER = ShortUrlPresenter("go.test", "https")
CREATED = datetime(2025, 2, 3, 4, 5, 6, 789_000, tzinfo=UTC)


def a_stored_link(**changes: Any) -> StoredLink:
    """Make a plain link of the default domain, with `changes`."""
    values: dict[str, Any] = {
        "id": 7,
        "domain": "",
        "short_code": "q7Fx2",
        "long_url": "https://example.org/a?b=1",
        "title": None,
        "valid_since": None,
        "valid_until": None,
        "max_visits": None,
        "visits_left": None,
        "crawlable": False,
        "forward_query": True,
        "version": 42,
        "created_at": CREATED,
        "tags": ("promo", "q1"),
        "visits": 12,
        "non_bot_visits": 10,
    }
    return StoredLink(**{**values, **changes})


def encoded(link: StoredLink) -> str:
    """Return the JSON of the short URL."""
    return msgspec.json.encode(PRESENTER.present(link)).decode()


def test_a_short_url() -> None:
    """All members are there, in Shlink's order."""
    link = a_stored_link(valid_until=datetime(2026, 1, 1, tzinfo=UTC))
    assert encoded(link) == (
        '{"shortCode":"q7Fx2","shortUrl":"https://go.test/q7Fx2",'
        '"longUrl":"https://example.org/a?b=1","dateCreated":"2025-02-03T04:05:06+00:00",'
        '"visitsSummary":{"total":12,"nonBots":10,"bots":2},"tags":["promo","q1"],'
        '"meta":{"validSince":null,"validUntil":"2026-01-01T00:00:00+00:00","maxVisits":null},'
        '"domain":null,"title":null,"crawlable":false,"forwardQuery":true,'
        '"hasRedirectRules":false}'
    )


def test_a_short_url_of_another_domain() -> None:
    """The domain is named, and an emoji stays one."""
    link = a_stored_link(domain="d.test:8443", short_code="😀")
    shown = msgspec.json.decode(encoded(link))
    assert shown["shortUrl"] == "https://d.test:8443/😀"
    assert shown["domain"] == "d.test:8443"


def test_a_short_url_with_rules_says_so() -> None:
    """What the rules are is another resource."""
    link = a_stored_link(rules='[{"longUrl": "https://e.test/", "conditions": []}]')
    assert encoded(link).endswith('"hasRedirectRules":true}')
    assert cached_link(link).rules == link.rules


def test_dates_are_shown_in_utc_to_the_second() -> None:
    """Never with Z, whatever the connection's time zone made of it."""
    east = timezone(timedelta(hours=2))
    link = a_stored_link(
        created_at=datetime(2025, 2, 3, 4, 5, 6, tzinfo=east),
        valid_since=datetime(1, 1, 1, tzinfo=UTC),
    )
    shown = msgspec.json.decode(encoded(link))
    assert shown["dateCreated"] == "2025-02-03T02:05:06+00:00"
    assert shown["meta"]["validSince"] == "0001-01-01T00:00:00+00:00"


def test_a_page() -> None:
    """The envelope has integers only."""
    page = paginate(ShortUrlQuery(page=2), [PRESENTER.present(a_stored_link())], 11)
    shown = msgspec.json.decode(msgspec.json.encode(page))
    assert len(shown["data"]) == 1
    assert shown["pagination"] == {
        "currentPage": 2,
        "pagesCount": 2,
        "itemsPerPage": 10,
        "itemsInCurrentPage": 1,
        "totalItems": 11,
    }


def test_what_goes_into_the_cache() -> None:
    """Milliseconds for comparing, and only whether there is a limit."""
    link = a_stored_link(
        valid_since=datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
        valid_until=datetime(2026, 1, 1, tzinfo=UTC),
        max_visits=5,
        visits_left=0,
        forward_query=False,
    )
    cached = cached_link(link)
    assert (cached.version, cached.link_id, cached.location) == (42, 7, link.long_url)
    assert (cached.valid_since_ms, cached.valid_until_ms) == (-1000, 1_767_225_600_000)
    assert (cached.has_visit_limit, cached.forward_query) == (True, False)


@pytest.mark.parametrize(
    ("problem", "status", "kind", "title", "detail", "members"),
    [
        (
            problems.invalid_data({"longUrl": "is required", "tags": "is bad"}),
            400,
            "invalid-data",
            "Invalid data",
            "Provided data is not valid",
            {
                "invalidElements": ["longUrl", "tags"],
                "reasons": {"longUrl": "is required", "tags": "is bad"},
            },
        ),
        (
            problems.malformed_request_body(),
            400,
            "malformed-request-body",
            "Malformed request body",
            "Provided request does not contain a valid JSON body.",
            {},
        ),
        (
            problems.non_unique_slug("x", ""),
            400,
            "non-unique-slug",
            "Invalid custom slug",
            'Provided slug "x" is already in use.',
            {"customSlug": "x"},
        ),
        (
            problems.non_unique_slug("x", "d.test"),
            400,
            "non-unique-slug",
            "Invalid custom slug",
            'Provided slug "x" is already in use for domain "d.test".',
            {"customSlug": "x", "domain": "d.test"},
        ),
        (
            problems.missing_authentication("X-Api-Key"),
            401,
            "missing-authentication",
            "Invalid authorization",
            'Expected one of the following authentication headers, ["X-Api-Key"], but none were'
            " provided",
            {"expectedHeaders": ["X-Api-Key"]},
        ),
        (
            problems.invalid_api_key(),
            401,
            "invalid-api-key",
            "Invalid API key",
            "Provided API key does not exist or is invalid.",
            {},
        ),
        (
            problems.short_url_not_found("x", ""),
            404,
            "short-url-not-found",
            "Short URL not found",
            'No URL found with short code "x"',
            {"shortCode": "x"},
        ),
        (
            problems.short_url_not_found("x", "d.test"),
            404,
            "short-url-not-found",
            "Short URL not found",
            'No URL found with short code "x" for domain "d.test"',
            {"shortCode": "x", "domain": "d.test"},
        ),
        (
            problems.undeletable_short_url("x", "", 15),
            422,
            "invalid-short-url-deletion",
            "Cannot delete short URL",
            'Impossible to delete short URL with short code "x", since it has more than "15"'
            " visits.",
            {"shortCode": "x", "threshold": 15},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "-" in value else "",
)
def test_problems(
    problem: Problem, status: int, kind: str, title: str, detail: str, members: dict[str, Any]
) -> None:
    """Type, title, status, detail and extension members are Shlink's."""
    response = problem.response()
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert msgspec.json.decode(response.body) == {
        "type": f"https://shlink.io/api/error/{kind}",
        "title": title,
        "detail": detail,
        "status": status,
        **members,
    }
