"""`.env.example` names every setting, with the default of the code and what it means."""

import re
from pathlib import Path

import msgspec
import pytest

import click_ingest.settings
import redirector.settings
import shortener.settings
from shared.settings import variables

EXAMPLE = Path(__file__).parents[2] / ".env.example"
CONTAINERS_ONLY = {
    "PUBLIC_ADDRESS": "127.0.0.1",
    "API_ADDRESS": "127.0.0.1",
    "COMPOSE_FILE": "docker-compose.yml",
    "TLS_PORT": "443",
    "HSTS_MAX_AGE_S": "31536000",
    "COMPOSE_PROFILES": "",
    "PROMETHEUS_PORT": "9090",
    "GRAFANA_PORT": "3000",
    "IMAGE_PREFIX": "qck",
    "CONTAINER_NETWORK": "172.30.83",
    "DEPLOY_FOLDER": "/var/lib/qck",
}
"""Read by Compose, nginx-config and the deploy, with their defaults."""

STACK_ONLY = {
    "PUBLIC_PORT",
    "API_PORT",
    "TRUSTED_PROXIES",
    *CONTAINERS_ONLY,
    "LIMIT_PUBLIC_PER_S",
    "LIMIT_PUBLIC_BURST",
    "LIMIT_API_PER_S",
    "LIMIT_API_BURST",
    "LIMIT_SLOW_CLIENT_S",
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "RABBITMQ_PASSWORD",
    "PROMETHEUS_SPEED",
}
"""Read by the local stack and docker-compose.yml, not by a service."""

SERVICES: dict[str, type[msgspec.Struct]] = {
    "redirector": redirector.settings.Settings,
    "shortener": shortener.settings.Settings,
    "click-ingest": click_ingest.settings.Settings,
}
SETTING = re.compile(r"^(# )?([A-Z][A-Z0-9_]*)=(.*)$")
SET_BY_WHOEVER_STARTS_THEM = {"DATABASE_URL", "REDIS_URL", "AMQP_URL", "SPOOL_DIR"}


def example_settings() -> dict[str, tuple[bool, str]]:
    """Return each setting of the file: whether it is commented out, and its value."""
    found = {}
    for line in EXAMPLE.read_text().splitlines():
        if match := SETTING.match(line):
            assert match[2] not in found, f"{match[2]} is listed twice"
            found[match[2]] = (bool(match[1]), match[3])
    return found


def code_settings() -> dict[str, object]:
    """Return each variable that a service reads, with its default."""
    found: dict[str, object] = {}
    for settings_class in SERVICES.values():
        found |= variables(settings_class)
    return found


def test_file_and_code_name_the_same_settings() -> None:
    """Nothing is missing from the file and nothing in it is unknown to the code."""
    assert set(example_settings()) == set(code_settings()) | STACK_ONLY


def test_commented_lines_show_the_default() -> None:
    """A commented line can be uncommented without changing anything."""
    for name, (is_commented, text) in example_settings().items():
        if not is_commented or name in SET_BY_WHOEVER_STARTS_THEM:
            continue
        default = {**code_settings(), **CONTAINERS_ONLY}[name]
        shown = "" if default is None else default
        if isinstance(shown, bool):
            shown = str(shown).lower()
        elif isinstance(shown, tuple):
            shown = ",".join(shown)
        elif isinstance(shown, float):
            shown = f"{shown:g}"
        assert text == str(shown), name


def test_required_settings_are_not_commented_out() -> None:
    """What has no default is set in the file, or by whoever starts the service."""
    required = {name for name, default in code_settings().items() if default is msgspec.NODEFAULT}
    given = {name for name, (is_commented, _) in example_settings().items() if not is_commented}
    assert required <= given | SET_BY_WHOEVER_STARTS_THEM


@pytest.mark.parametrize("service", SERVICES)
def test_one_default_for_all_services(service: str) -> None:
    """A setting that two services read has one default."""
    everywhere = code_settings()
    for name, default in variables(SERVICES[service]).items():
        assert everywhere[name] == default, name


def test_every_setting_has_a_sentence() -> None:
    """Above each setting, or the group of settings it stands in, there is a comment."""
    lines = EXAMPLE.read_text().splitlines()
    for number, line in enumerate(lines):
        if not SETTING.match(line):
            continue
        above = number - 1
        while SETTING.match(lines[above]):
            above -= 1
        assert lines[above].startswith("# "), line
