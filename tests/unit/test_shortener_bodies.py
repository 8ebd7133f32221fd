"""The bodies of POST and PATCH."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from shortener.problems import Problem
from shortener.request_fields import Fields
from shortener.short_url_body import BodyReader, ShortUrlCreation, ShortUrlEdit

READER = BodyReader(
    default_domain="s.test:8080",
    public_scheme="http",
    url_schemes=("http", "https"),
    short_code_length=7,
)
FIELDS = [
    "longUrl", "customSlug", "pathPrefix", "domain", "tags", "title", "validSince", "validUntil",
    "shortCodeLength", "maxVisits", "crawlable", "forwardQuery", "findIfExists",
]  # fmt: skip


def creation(**body: Any) -> ShortUrlCreation:
    """Read a good body, with a long URL unless it has one."""
    fields = Fields({"longUrl": "https://example.org/", **body})
    read = READER.creation(fields)
    fields.raise_if_refused()
    return read


def edit(**body: Any) -> ShortUrlEdit:
    """Read a good body of a PATCH."""
    fields = Fields(body)
    read = READER.edit(fields)
    fields.raise_if_refused()
    return read


def refused(body: dict[str, Any], read: Any = READER.creation) -> dict[str, str]:
    """Read a bad body; return the reasons."""
    fields = Fields(body)
    read(fields)
    with pytest.raises(Problem) as error:
        fields.raise_if_refused()
    found = error.value.members["reasons"]
    assert isinstance(found, dict)
    return found


def test_defaults() -> None:
    """A long URL alone makes a plain link of the default domain."""
    read = creation()
    assert read.long_url.href == "https://example.org/"
    assert (read.domain, read.tags, read.title, read.custom_slug) == ("", (), None, None)
    assert (read.crawlable, read.forward_query, read.find_if_exists) == (False, True, False)
    assert (read.short_code_length, read.max_visits) == (7, None)


def test_null_means_absent_in_a_creation() -> None:
    """Clients send null for what they do not set."""
    assert creation(**dict.fromkeys(FIELDS[1:])) == creation()


def test_unknown_keys_are_ignored() -> None:
    """Old clients send what has been removed since."""
    assert creation(validateUrl=True, deviceLongUrls={"ios": "x"}) == creation()


@pytest.mark.parametrize(
    ("slug", "code"),
    [
        ("my slug", "my-slug"),
        ("a/b/c", "a-b-c"),
        (" trimmed ", "trimmed"),
        ("😀👩‍💻", "😀👩‍💻"),
        ("Ünïcode", "Ünïcode"),
        ("KeepsCase", "KeepsCase"),
        (123, "123"),
        ("x" * 128, "x" * 128),
    ],
)
def test_a_custom_slug_is_cleaned(slug: object, code: str) -> None:
    """Spaces and slashes become hyphens, and the case is kept."""
    assert creation(customSlug=slug).custom_slug == code


@pytest.mark.parametrize(
    "slug",
    [
        "", "  ", "a:b", "a?b", "a#b", "a[b", "a]b", "a@b", "a%20b", "%41", "a\nb", "a\r\nb",
        "a\tb",
        "a\\b", "<b>", "..", ".", "a\u200bb", "a\u202eb", "x" * 129, "rest", "robots.txt", "API",
        ".well-known", "healthz",
    ],
)  # fmt: skip
def test_a_bad_slug_is_refused(slug: str) -> None:
    """What a URL gives a meaning to, what cannot be seen, what is ours."""
    assert list(refused({"longUrl": "https://example.org/", "customSlug": slug})) == ["customSlug"]


def test_a_prefix_is_put_before_slug_and_random_code() -> None:
    """It is cleaned like a slug."""
    assert creation(pathPrefix="a/b ", customSlug="c").custom_slug == "a-bc"
    assert creation(pathPrefix="q1 ").path_prefix == "q1"


@pytest.mark.parametrize("prefix", ["a?b", "x" * 65, ".hidden", "%"])
def test_a_bad_prefix_is_refused(prefix: str) -> None:
    """It has to leave room for a code, and be part of a good one."""
    reasons = refused({"longUrl": "https://example.org/", "pathPrefix": prefix})
    assert list(reasons) == ["pathPrefix"]


@pytest.mark.parametrize(
    ("given_domain", "domain"),
    [
        ("D.test", "d.test"),
        ("d.test:8443", "d.test:8443"),
        ("s.test:8080", ""),
        ("S.TEST:8080", ""),
        ("DEFAULT", ""),
        ("default", "default"),
        ("", ""),
        ("s.test", "s.test"),
    ],
)
def test_the_default_domain_is_no_domain(given_domain: str, domain: str) -> None:
    """It is stored as '', so that its name can change."""
    assert creation(domain=given_domain).domain == domain


@pytest.mark.parametrize(
    "domain", ["a:b:c", "d.test:0", "127.0.0.1", "a b", "http://d.test", "é."]
)
def test_a_bad_domain_is_refused(domain: str) -> None:
    """Junk, bad ports and loopback addresses."""
    assert list(refused({"longUrl": "https://x.test/", "domain": domain})) == ["domain"]


def test_a_loopback_default_domain_is_fine() -> None:
    """A stack on one machine may be known by its address."""
    reader = BodyReader(
        default_domain="127.0.0.1:8080", public_scheme="http", url_schemes=("http",),
        short_code_length=7,
    )  # fmt: skip
    fields = Fields({"longUrl": "http://x.test/", "domain": "127.0.0.1:8080"})
    assert reader.creation(fields).domain == ""
    fields.raise_if_refused()


def test_tags_are_normalised() -> None:
    """Trimmed, lower case, hyphens for spaces, each once, in the order given."""
    assert creation(tags=[" B b", "a", "A", "", "b b", 5]).tags == ("b-b", "a", "5")


@pytest.mark.parametrize(
    "tags",
    [["x" * 256], [str(number) for number in range(101)], [None], {}],
    ids=["long", "many", "null", "object"],
)
def test_bad_tags_are_refused(tags: Any) -> None:
    """Too long, too many, or no texts."""
    body = {"longUrl": "https://example.org/", "tags": tags}
    assert list(refused(body)) == ["tags"]


def test_a_title_is_cropped() -> None:
    """Too long a title is no error, and an empty one is none."""
    assert creation(title=" t ").title == "t"
    assert creation(title="ü" * 600).title == "ü" * 512
    assert creation(title=" ").title is None


def test_scalars_are_cast() -> None:
    """Forms and scripts send everything as text."""
    read = creation(maxVisits="5", crawlable="true", forwardQuery="0", shortCodeLength="12")
    assert (read.max_visits, read.crawlable, read.forward_query) == (5, True, False)
    assert read.short_code_length == 12


def test_dates() -> None:
    """From and until may be the same moment."""
    read = creation(validSince="2026-01-01", validUntil="2026-01-01T01:00:00+01:00")
    assert read.valid_since == read.valid_until == datetime(2026, 1, 1, tzinfo=UTC)


def test_dates_the_wrong_way_round_are_refused() -> None:
    """A link that ends before it begins is a mistake."""
    body = {"longUrl": "https://x.test/", "validSince": "2026-02-01", "validUntil": "2026-01-01"}
    assert refused(body) == {"validUntil": "is before validSince"}


def test_a_long_url_is_required() -> None:
    """Absent, null and empty are told apart in the reason only."""
    assert refused({}) == {"longUrl": "is required"}
    assert refused({"longUrl": None}) == {"longUrl": "must not be empty"}
    assert refused({"longUrl": "  "}) == {"longUrl": "must not be empty"}


@pytest.mark.parametrize(
    "url", ["http://s.test:8080/x", "http://S.TEST:8080", "https://s.test:8080"]
)
def test_a_long_url_to_the_default_domain_is_refused(url: str) -> None:
    """It would be a loop, whatever the scheme."""
    assert "leads back to s.test:8080" in refused({"longUrl": url})["longUrl"]


def test_every_bad_field_is_named() -> None:
    """All at once, in the order of the fields, each with its reason."""
    body = {
        "longUrl": "javascript:alert(1)",
        "customSlug": "a?",
        "domain": "a:b:c",
        "tags": "x" * 300,
        "validSince": "soon",
        "validUntil": 5,
        "shortCodeLength": 3,
        "maxVisits": 0,
        "crawlable": "perhaps",
        "forwardQuery": [],
        "findIfExists": {},
        "title": ["t"],
    }
    reasons = refused(body)
    assert set(reasons) == set(body)
    assert list(reasons) == [name for name in FIELDS if name in body]
    assert reasons["longUrl"] == "scheme 'javascript' is not allowed; use http or https"


def test_an_edit_tells_absent_from_null() -> None:
    """Absent stays, null resets, and where null makes no sense it means absent."""
    assert edit() == ShortUrlEdit()
    read = edit(title=None, validSince=None, validUntil=None, maxVisits=None)
    assert (read.title, read.valid_since, read.valid_until, read.max_visits) == (None,) * 4
    assert edit(longUrl=None, tags=None, crawlable=None, forwardQuery=None) == ShortUrlEdit()


def test_an_edit_reads_values() -> None:
    """With the same rules as a creation."""
    read = edit(longUrl="https://b.test", tags=[], title=" t ", maxVisits="9", crawlable=1)
    assert read.long_url is not UNSET
    assert read.long_url.href == "https://b.test/"
    assert (read.tags, read.title, read.max_visits, read.crawlable) == ((), "t", 9, True)


def test_an_edit_ignores_slug_and_domain() -> None:
    """They cannot change."""
    assert edit(customSlug="a?b", domain=":::") == ShortUrlEdit()


@pytest.mark.parametrize(
    "body",
    [{"longUrl": []}, {"longUrl": ""}, {"longUrl": "ftp://x.test"}, {"maxVisits": -1},
     {"title": {}}, {"tags": [1.5, None]}, {"validUntil": "x"}, {"crawlable": "?"}],
    ids=str,
)  # fmt: skip
def test_a_bad_edit_is_refused(body: dict[str, Any]) -> None:
    """The one field is named."""
    assert list(refused(body, READER.edit)) == list(body)


@given(
    st.dictionaries(
        st.sampled_from(FIELDS),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text()),
    )
)
def test_no_body_surprises(body: dict[str, Any]) -> None:
    """Any mixture of values is read or refused by both readers."""
    for read in (READER.creation, READER.edit):
        fields = Fields(body)
        read(fields)
        with suppress(Problem):
            fields.raise_if_refused()
