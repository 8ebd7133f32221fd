"""Where the redirect of a domain leads, however its host is written."""

import pytest

from shared.redirect_host import redirect_host


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("https://evil.test", "evil.test"),
        ("https://evil.test{ORIGINAL_PATH}?d={DOMAIN}", "evil.test"),
        ("https://{DOMAIN}.evil.test/", "visited.invalid.evil.test"),
        ("HTTPS://Login.EVIL.test:8443/", "login.evil.test"),
        ("https://name:word@evil.test/@good.test", "evil.test"),
        ("//evil.test/", "evil.test"),
        ("\\\\evil.test/", "evil.test"),
        ("https:\\\\evil.test\\@good.test", "evil.test"),
        (" ht\ttps://ev\nil.test/", "evil.test"),
        ("http:///evil.test", "evil.test"),
        ("https:evil.test", "evil.test"),
        ("app://evil.test/", "evil.test"),
        ("https://evil.test./", "evil.test"),
        ("https://evil%2Etest/", "evil.test"),
        ("https://b\u00fccher.test/", "xn--bcher-kva.test"),
        ("https://b%C3%BCcher.test/", "xn--bcher-kva.test"),
        ("https://\uff45vil\u3002test/", "evil.test"),
        ("http://[2001:db8::1]:80/", "[2001:db8::1]"),
        ("https://good.test/evil.test", "good.test"),
        ("https://good.test?evil.test", "good.test"),
        ("/evil.test", ""),
        ("evil.test", ""),
        ("{ORIGINAL_PATH}", ""),
        ("https://evil%00.test/", ""),
    ],
)
def test_the_host_is_the_one_that_browsers_open(target: str, host: str) -> None:
    """Capitals, user names, escapes and Unicode do not disguise it."""
    assert redirect_host(target) == host
