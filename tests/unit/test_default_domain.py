"""DEFAULT_DOMAIN, however it is written, is one domain to all services."""

import pytest

from redirector.settings import Settings as RedirectorSettings
from shared.settings import SettingsError, load
from shortener.settings import Settings as ShortenerSettings

REQUIRED = {
    "DATABASE_URL": "postgresql://u:p@h/d",
    "REDIS_URL": "redis://h",
    "AMQP_URL": "amqp://h",
    "SPOOL_DIR": "/spool",
    "VISITOR_HASH_KEY": "k" * 32,
}


@pytest.mark.parametrize(
    ("text", "scheme", "domain"),
    [
        ("s.test", "https", "s.test"),
        ("S.Test:8080", "https", "s.test:8080"),
        ("s.test:443", "https", "s.test"),
        ("s.test:443", "http", "s.test:443"),
        ("s.test:80", "http", "s.test"),
        ("Köln.test", "https", "xn--kln-sna.test"),
        ("köln.test:8080", "https", "xn--kln-sna.test:8080"),
    ],
)
def test_all_services_read_it_alike(text: str, scheme: str, domain: str) -> None:
    """As browsers ask for it; else what belongs to the default domain would not be found there."""
    environment = REQUIRED | {"DEFAULT_DOMAIN": text, "PUBLIC_SCHEME": scheme}
    assert load(ShortenerSettings, environment).default_domain == domain
    assert load(RedirectorSettings, environment).default_domain == domain


def test_what_cannot_be_a_host_is_named() -> None:
    """An empty label beside letters that are not ASCII."""
    with pytest.raises(SettingsError, match="DEFAULT_DOMAIN: is not a valid host name"):
        load(RedirectorSettings, REQUIRED | {"DEFAULT_DOMAIN": "kö..test"})
