"""What docker-compose.yml tells the services: every secret by a file, none by a variable."""

import re
from pathlib import Path

import pytest
import yaml

import click_ingest.settings
import redirector.settings
import shortener.settings
from release.checkout import release_of
from release.dotenv import read_setting
from shared.settings import secret_variables

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DESCRIBED = yaml.safe_load(COMPOSE)
MAKE_SECRETS = (ROOT / "deploy/make-secrets").read_text()
SECRETS = sorted(
    {
        name
        for package in (redirector, shortener, click_ingest)
        for name in secret_variables(package.settings.Settings)
    }
)
ONLY_BY_AN_OVERLAY = {"DATABASE_READ_URL", "OTEL_EXPORTER_OTLP_HEADERS"}
"""For a replica and a receiver of traces, which these containers do not have."""


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_comes_from_a_file(name: str) -> None:
    """What `.env` has for the local stack is blanked, and the file is there instead."""
    assert f'\n  {name}: ""\n' in COMPOSE
    file = re.search(rf"\b{name}_FILE: /run/secrets/(\w+)", COMPOSE)
    if name in ONLY_BY_AN_OVERLAY:
        return
    assert file, f"{name}_FILE is missing"
    assert f"\n  {file[1]}: {{file: " in COMPOSE
    assert re.search(rf"^(secret|url) {file[1]} ", MAKE_SECRETS, re.MULTILINE)


def test_no_service_has_a_secret_that_is_made_of_env() -> None:
    """What `make secrets` takes from `.env` is blanked in every container that reads that file."""
    taken = re.findall(r"^secret \w+ (\w+)$", MAKE_SECRETS, re.MULTILINE)
    assert "GRAFANA_ADMIN_PASSWORD" in taken
    for name, service in DESCRIBED["services"].items():
        if "env_file" in service:
            assert {service["environment"][variable] for variable in taken} == {""}, name


@pytest.mark.parametrize("name", [*SECRETS, "POSTGRES_PASSWORD", "GRAFANA_ADMIN_PASSWORD"])
@pytest.mark.parametrize("line", ["{}=hush", "export {}='hush'", "  {} = hush # why"])
def test_no_record_of_a_release_has_a_secret(tmp_path: Path, name: str, line: str) -> None:
    """However Compose would let people write it; containers have theirs from files."""
    (tmp_path / ".env").write_text(f"PUBLIC_PORT=1\n{line.format(name)}\nAPI_PORT=2\n")
    (tmp_path / "docker-compose.yml").write_text("")
    (tmp_path / "shared").mkdir()
    env = release_of(tmp_path, "a").env
    assert "hush" not in env
    assert [read_setting(env, port) for port in ("PUBLIC_PORT", "API_PORT")] == ["1", "2"]


def test_images_have_a_tag() -> None:
    """None is whatever is newest today."""
    images = re.findall(r"^ +image: (\S+)$", COMPOSE, re.MULTILINE)
    assert len(images) >= 8
    assert all(
        re.search(r":[^:/]+(:-dev})?$", image) and not image.endswith(":latest")
        for image in images
    )


def test_only_services_are_in_the_network_of_the_stores() -> None:
    """And the migration; neither nginx nor Prometheus, which are reached from outside."""
    networks = {
        name: set(service.get("networks", ())) for name, service in DESCRIBED["services"].items()
    }
    assert {name for name, joined in networks.items() if "stores" in joined} == {
        "redirector-1", "redirector-2", "shortener", "click-ingest", "migrate",
        "postgres", "redis", "rabbitmq",
    }  # fmt: skip


def test_prometheus_shares_a_network_with_all_that_it_scrapes() -> None:
    """Names are found, and connections go, within a network only."""
    configuration = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    networks = {
        name: service.get("networks", {}) for name, service in DESCRIBED["services"].items()
    }
    for job in configuration["scrape_configs"]:
        for target in (each for group in job["static_configs"] for each in group["targets"]):
            assert networks["prometheus"].keys() & networks[target.split(":")[0]].keys(), target


def test_every_container_is_confined() -> None:
    """All are made of the same block, which allows nothing; and each has its limits."""
    services = COMPOSE[COMPOSE.index("\nservices:\n") : COMPOSE.index("\nnetworks:\n")]
    blocks = re.split(r"\n  (?=[a-z][a-z0-9-]*:)", services)[1:]
    assert len(blocks) >= 10
    for block in blocks:
        assert re.search(r"<<: (\[\*service|\*(container|service|redirector)\b)", block), block
    assert "read_only: true" in COMPOSE
    assert "cap_drop: [ALL]" in COMPOSE
