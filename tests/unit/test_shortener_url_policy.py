"""Which long URLs are accepted, what becomes of them, and why others are not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortener.url_policy import MAX_LENGTH, LongUrlRefusedError, parse_long_url

SCHEMES = ("http", "https")


@pytest.mark.parametrize(
    ("text", "href"),
    [
        ("https://example.org", "https://example.org/"),
        ("HTTPS://EXAMPLE.org:443/A?b=C#d", "https://example.org/A?b=C#d"),
        ("https://example.org/a b" .replace(" ", "%20"), "https://example.org/a%20b"),
        ("https://example.org/a/../b", "https://example.org/b"),
        ("https://bücher.example/ü?q=é", "https://xn--bcher-kva.example/%C3%BC?q=%C3%A9"),
        ("https://example.org/😀", "https://example.org/%F0%9F%98%80"),
        ("https://ｅxample.org/", "https://example.org/"),
        ("http:\\\\example.org\\x", "http://example.org/x"),
        ("https:example.org", "https://example.org/"),
        ("http://localhost:8000/", "http://localhost:8000/"),
        ("http://intranet/wiki", "http://intranet/wiki"),
        ("http://127.0.0.1/", "http://127.0.0.1/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://10.0.0.1:8080/x", "http://10.0.0.1:8080/x"),
        ("http://[2001:DB8::1]/", "http://[2001:db8::1]/"),
        ("https://example.org/%0d%0aSet-Cookie:x", "https://example.org/%0d%0aSet-Cookie:x"),
        ("https://example.org/?next=javascript:alert(1)", None),
        ("https://@example.org/", "https://example.org/"),
    ],
)  # fmt: skip
def test_a_url_is_stored_as_browsers_read_it(text: str, href: str | None) -> None:
    """The WHATWG parser normalises, so that what is stored is ASCII and means one thing."""
    assert parse_long_url(text, SCHEMES).href == (href or text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must not be empty"),
        ("example.org", "is not an absolute URL"),
        ("//evil.test/x", "is not an absolute URL"),
        ("/just/a/path", "is not an absolute URL"),
        ("https://", "is not a valid URL"),
        ("https://exa mple.org/", "white space"),
        ("https://[::1/", "is not a valid URL"),
        ("https://example.org:99999/", "is not a valid URL"),
        ("https://xn--/", "is not a valid URL"),
        ("javascript:alert(1)", "scheme 'javascript' is not allowed; use http or https"),
        ("JaVaScRiPt:alert(1)", "scheme 'javascript' is not allowed"),
        ("java\tscript:alert(1)", "white space"),
        ("data:text/html,<script>alert(1)</script>", "scheme 'data' is not allowed"),
        ("vbscript:msgbox(1)", "scheme 'vbscript' is not allowed"),
        ("file:///etc/passwd", "scheme 'file' is not allowed"),
        ("ftp://example.org/", "scheme 'ftp' is not allowed"),
        ("mailto:a@b.example", "scheme 'mailto' is not allowed"),
        ("blob:https://example.org/x", "scheme 'blob' is not allowed"),
        ("view-source:https://example.org/", "scheme 'view-source' is not allowed"),
        ("https://user@example.org/", "user name or a password"),
        ("https://user:secret@example.org/", "user name or a password"),
        ("https://:secret@example.org/", "user name or a password"),
        ("https://example.org\r\nSet-Cookie: a=b", "white space"),
        ("https://example.org/a\nb", "white space"),
        ("https://example.org/a\tb", "white space"),
        ("https://example.org/a\x00b", "control"),
        ("https://example.org/a\x7fb", "control"),
        ("https://example.org/a\u0085b", "white space"),
        ("https://example.org/a\u2028b", "white space"),
        ("https://example.org/a\u202eb", "invisible"),
        ("https://example.org/a\ufeffb", "invisible"),
        ("https://exa\u200bmple.org/", "invisible"),
        ("https://a..b/", "has no valid host"),
        ("https://.example.org/", "has no valid host"),
        ("https://localhost./", "has no valid host"),
        (f"https://{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 63}.org/", "has no valid host"),
        (f"https://example.org/{'x' * MAX_LENGTH}", "is longer than 2,048 characters"),
        (f"https://example.org/{'ü' * 400}", "is longer than 2,048 characters"),
        (f"https://example.org/{'x' * 10_000}", "is longer than 2,048 characters"),
    ],
)
def test_a_refused_url_is_told_why(text: str, reason: str) -> None:
    """Each refusal names its reason in words for people."""
    with pytest.raises(LongUrlRefusedError, match=re.escape(reason)):
        parse_long_url(text, SCHEMES)


def test_the_longest_url_is_accepted() -> None:
    """The limit itself is still fine."""
    url = "https://example.org/".ljust(MAX_LENGTH, "x")
    assert parse_long_url(url, SCHEMES).href == url


def test_the_authority_has_the_port_that_matters() -> None:
    """The default port is dropped, any other is part of what is compared with own domains."""
    assert parse_long_url("https://Example.org:443/", SCHEMES).authority == "example.org"
    assert parse_long_url("https://example.org:444/", SCHEMES).authority == "example.org:444"


def test_a_configured_scheme_needs_no_host() -> None:
    """An operator may allow links that open an app."""
    assert parse_long_url("mailto:a@b.example", ("https", "mailto")).href == "mailto:a@b.example"


@given(st.text(max_size=200) | st.text(max_size=100).map("https://example.org/".__add__))
def test_any_text_is_either_refused_or_safe_in_a_header(text: str) -> None:
    """Whatever is given: no other exception, and nothing that could break a Location header."""
    try:
        href = parse_long_url(text, SCHEMES).href
    except LongUrlRefusedError:
        return
    assert href.isascii()
    assert href.isprintable()
    assert " " not in href
    assert href.startswith(("http://", "https://"))
