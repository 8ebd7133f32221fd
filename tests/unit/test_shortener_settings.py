"""The shortener's settings."""

import pytest

from shared.settings import SettingsError, load
from shortener.settings import Settings

REQUIRED = {
    "DATABASE_URL": "postgresql://qck:secret-password@127.0.0.1/qck",
    "REDIS_URL": "redis://127.0.0.1",
    "DEFAULT_DOMAIN": "s.test",
}


def problems(**variables: str) -> str:
    """Load wrong settings; return what is said."""
    with pytest.raises(SettingsError) as error:
        load(Settings, REQUIRED | variables)
    return str(error.value)


def test_defaults() -> None:
    """Where the stores are and what the domain is called is all that must be said."""
    settings = load(Settings, REQUIRED)
    assert (settings.public_scheme, settings.short_code_length) == ("https", 7)
    assert settings.url_schemes == ("http", "https")
    assert settings.initial_api_key is None
    assert settings.delete_short_url_threshold is None


@pytest.mark.parametrize(
    ("text", "domain"),
    [("S.Test", "s.test"), ("s.test:443", "s.test"), ("localhost:8080", "localhost:8080")],
)
def test_the_default_domain_is_made_canonical(text: str, domain: str) -> None:
    """So that a domain in a request can be compared with it."""
    assert load(Settings, REQUIRED | {"DEFAULT_DOMAIN": text}).default_domain == domain


@pytest.mark.parametrize("text", ["https://s.test", "s.test/x", "a b", "s.test:0"])
def test_a_wrong_default_domain_is_named(text: str) -> None:
    """It is a host with an optional port and nothing else."""
    assert "DEFAULT_DOMAIN:" in problems(DEFAULT_DOMAIN=text)


def test_a_short_initial_key_is_refused_and_not_shown() -> None:
    """A key that can be guessed is none; the text does not repeat it."""
    text = problems(INITIAL_API_KEY="tiny-secret")
    assert "at least 16 characters" in text
    assert "tiny-secret" not in text


@pytest.mark.parametrize("scheme", ["javascript", "data", "vbscript"])
def test_schemes_that_run_code_can_never_be_allowed(scheme: str) -> None:
    """Not even on purpose."""
    assert f"{scheme} can never be allowed" in problems(URL_SCHEMES=f"https,{scheme}")


def test_all_problems_are_told_at_once() -> None:
    """One start is enough to learn what is wrong, and no secret is shown."""
    text = problems(SHORT_CODE_LENGTH="3", PUBLIC_SCHEME="gopher", URL_SCHEMES="HTTP:")
    assert text.count("  - ") == 3
    names = (
        "DATABASE_URL",
        "SHORT_CODE_LENGTH",
        "DEFAULT_DOMAIN",
        "INITIAL_API_KEY",
        "URL_SCHEMES",
    )
    text = problems(**dict(zip(names, ("", "3", "a b", "short", "data"), strict=True)))
    told = [line.split()[1].rstrip(":") for line in text.splitlines()[1:]]
    assert told == [*names]
    assert "secret-password" not in text


def test_settings_show_no_secret() -> None:
    """Neither key nor password are in the repr."""
    settings = load(Settings, REQUIRED | {"INITIAL_API_KEY": "sixteen-characters"})
    assert "sixteen" not in repr(settings)
    assert "secret-password" not in repr(settings)
