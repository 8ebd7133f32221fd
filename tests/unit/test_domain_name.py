"""What counts as the domain of a short URL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain_name import DomainRefusedError, is_loopback, parse_domain


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("s.test", "s.test"),
        ("S.Test", "s.test"),
        ("s.test:443", "s.test"),
        ("s.test:8443", "s.test:8443"),
        ("s.test:80", "s.test:80"),
        ("localhost:8080", "localhost:8080"),
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("my_host", "my_host"),
    ],
)
def test_a_domain_has_one_spelling(text: str, domain: str) -> None:
    """Case, script and a default port make no difference."""
    assert parse_domain(text, "https") == domain


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a b",
        "s.test:",
        "s.test:x",
        "s.test:0",
        "s.test:65536",
        "s.test:1:2",
        "https://s.test",
        "s.test/path",
        "s.test?q",
        "s.test#f",
        "user@s.test",
        "s.test\r\n",
        "s\x00.test",
        "a..b",
        ".s.test",
        "s.test.",
        "[::1]",
        "::1",
        "%73.test",
        "xn--",
        "a" * 256,
    ],
)
def test_what_is_no_domain_is_refused(text: str) -> None:
    """Anything that is more or less than a host with a port."""
    with pytest.raises(DomainRefusedError):
        parse_domain(text, "https")


@pytest.mark.parametrize(
    ("domain", "expected"),
    [("127.0.0.1", True), ("127.1.2.3:80", True), ("localhost", False), ("10.0.0.1", False)],
)
def test_loopback_addresses_are_known(domain: str, expected: bool) -> None:
    """Only addresses of this very machine, whatever the port."""
    assert is_loopback(domain) is expected


@given(st.text(max_size=60))
def test_any_text_is_refused_or_has_a_stable_spelling(text: str) -> None:
    """A parsed domain parses to itself."""
    try:
        domain = parse_domain(text, "https")
    except DomainRefusedError:
        return
    assert parse_domain(domain, "https") == domain
