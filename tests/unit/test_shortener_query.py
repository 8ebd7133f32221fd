"""The query of the list of short URLs, and the arithmetic of pages."""

from datetime import UTC, datetime

import pytest
from starlette.datastructures import QueryParams

from shortener.pagination import paginate
from shortener.problems import Problem
from shortener.request_fields import Fields
from shortener.short_url_list import MAX_ITEMS_PER_PAGE, ShortUrlQuery, read_query


def read(text: str) -> ShortUrlQuery:
    """Read a query string on a service whose default domain is s.test."""
    return read_query(Fields.from_query(QueryParams(text)), "s.test", "https")


def test_defaults() -> None:
    """The newest ten of everything."""
    query = read("")
    assert query == ShortUrlQuery()
    assert (query.page, query.items_per_page, query.offset) == (1, 10, 0)
    assert (query.order_by, query.is_descending, query.domain) == ("dateCreated", True, None)


def test_everything_at_once() -> None:
    """Each parameter has its place."""
    query = read(
        "page=3&itemsPerPage=20&searchTerm=x&tags[]=B+b&tags[]=c&tagsMode=all&excludeTags[]=d"
        "&excludeTagsMode=all&startDate=2026-01-01&endDate=2026-01-02T00:00:00Z"
        "&excludeMaxVisitsReached=true&excludePastValidUntil=1&domain=D.test&apiKeyName=k"
        "&orderBy=visits-DESC"
    )
    assert query == ShortUrlQuery(
        page=3,
        items_per_page=20,
        search_term="x",
        tags=("B b", "c"),
        needs_all_tags=True,
        excluded_tags=("d",),
        excludes_only_all_tags=True,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        end_date=datetime(2026, 1, 2, tzinfo=UTC),
        exclude_max_visits_reached=True,
        exclude_past_valid_until=True,
        domain="d.test",
        api_key_name="k",
        order_by="visits",
        is_descending=True,
    )
    assert query.offset == 40


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("longUrl", ("longUrl", False)),
        ("longUrl-ASC", ("longUrl", False)),
        ("title-DESC", ("title", True)),
        ("nonBotVisits-DESC", ("nonBotVisits", True)),
        ("", ("dateCreated", True)),
    ],
)
def test_a_bare_field_ascends(text: str, order: tuple[str, bool]) -> None:
    """Without an order it is the newest first."""
    query = read(f"orderBy={text}")
    assert (query.order_by, query.is_descending) == order


@pytest.mark.parametrize(
    ("text", "domain"),
    [("DEFAULT", ""), ("s.test", ""), ("S.TEST:443", ""), ("d.test", "d.test"), ("", None),
     ("a b", "a b")],
)  # fmt: skip
def test_the_default_domain_has_two_names(text: str, domain: str | None) -> None:
    """A domain that cannot exist matches nothing, and is no error."""
    assert read(f"domain={text}").domain == domain


@pytest.mark.parametrize(
    ("text", "expected"),
    [("searchTerm=S.te", True), ("searchTerm=x", False), ("searchTerm=s.te&domain=d.test", False)],
)
def test_the_default_domain_can_be_searched(text: str, expected: bool) -> None:
    """Its links match a part of its name, unless a domain is asked for."""
    assert read(text).searches_default_domain is expected


@pytest.mark.parametrize(
    ("text", "page", "per_page"),
    [
        ("page=0", 1, 10),
        ("page=-5", 1, 10),
        ("itemsPerPage=-1", 1, None),
        ("itemsPerPage=0", 1, None),
    ],
)
def test_odd_pages_are_the_first_and_odd_sizes_are_everything(
    text: str, page: int, per_page: int | None
) -> None:
    """As in Shlink, these are no errors."""
    query = read(text)
    assert (query.page, query.items_per_page) == (page, per_page)


def test_all_bad_parameters_are_named() -> None:
    """In one answer."""
    with pytest.raises(Problem) as error:
        read(
            "page=x&itemsPerPage=99999999999&tagsMode=some&excludeTagsMode=x&orderBy=id"
            "&startDate=x&endDate=y&excludePastValidUntil=maybe&searchTerm=%00"
        )
    assert error.value.members["invalidElements"] == [
        "page", "itemsPerPage", "searchTerm", "tagsMode", "excludeTagsMode", "orderBy",
        "startDate", "endDate", "excludePastValidUntil",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("total", "per_page", "pages", "shown_per_page"),
    [
        (0, 10, 1, 10),
        (10, 10, 1, 10),
        (11, 10, 2, 10),
        (5, None, 1, 5),
        (0, None, 1, 1),
        (2500, None, 3, MAX_ITEMS_PER_PAGE),
    ],
)
def test_pages_are_counted(
    total: int, per_page: int | None, pages: int, shown_per_page: int
) -> None:
    """There is always one page, and everything on one page is a page of that size."""
    pagination = paginate(ShortUrlQuery(items_per_page=per_page), [], total).pagination
    assert pagination.pages_count == pages
    assert pagination.items_per_page == shown_per_page
    assert pagination.total_items == total
    assert pagination.items_in_current_page == 0
