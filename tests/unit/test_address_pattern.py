"""Patterns of addresses: what they cover, and what is none."""

import pytest

from shared.address_pattern import parse_address, parse_pattern


@pytest.mark.parametrize(
    ("pattern", "address", "is_covered"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("203.0.113.0/24", "203.0.113.255", True),
        ("203.0.113.0/24", "203.0.114.0", False),
        ("203.0.113.9/24", "203.0.113.1", True),
        ("0.0.0.0/0", "8.8.8.8", True),
        ("0.0.0.0/0", "::1", False),
        ("11.22.*.*", "11.22.33.44", True),
        ("11.22.*.*", "11.23.33.44", False),
        ("*.22.*.44", "7.22.8.44", True),
        ("*.22.*.44", "7.22.8.45", False),
        ("2001:db8::/32", "2001:db8:ffff::1", True),
        ("2001:db8::/32", "2001:db9::1", False),
        ("2001:DB8::1", "2001:db8:0:0::1", True),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
    ],
)
def test_what_a_pattern_covers(pattern: str, address: str, is_covered: bool) -> None:
    """One address, a network, or what fits the wildcards, of one version of IP."""
    parsed = parse_address(address)
    assert parsed is not None
    assert parse_pattern(pattern).matches(parsed) is is_covered


@pytest.mark.parametrize(
    "text",
    ["", "*", "1.2.3", "1.2.3.4.5", "1.2.3.*.5", "1.2.3.256", "256.*.*.*", "1.2.*.04x",
     "1.2.3.4/33", "2001:db8::*", "fe80::/129", "example.org", " 1.2.3.4", "1.2.3.4\n"],
)  # fmt: skip
def test_what_is_no_pattern(text: str) -> None:
    """The error says what would be one."""
    with pytest.raises(ValueError, match="is no address, network"):
        parse_pattern(text)


@pytest.mark.parametrize("text", ["", "x", "1.2.3.4/24", "203.0.113.7 "])
def test_what_is_no_address(text: str) -> None:
    """It is none, and no error."""
    assert parse_address(text) is None
