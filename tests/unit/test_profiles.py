"""deploy/profiles: what the planner says, accepted by every service, the same settings in each."""

import json
import re
from pathlib import Path

import msgspec
import pytest

import click_ingest.settings
import redirector.settings
import shortener.settings
from capacity.demand import Demand
from capacity.plan import RESERVED_CONNECTIONS, make_plan
from capacity.profiles import DEMANDS, profile_text
from shared.settings import load, variables

FOLDER = Path(__file__).parents[2] / "deploy" / "profiles"
SETTINGS: list[type[msgspec.Struct]] = [
    redirector.settings.Settings,
    shortener.settings.Settings,
    click_ingest.settings.Settings,
]
NEEDED = {
    "DATABASE_URL": "postgresql://h/d",
    "REDIS_URL": "redis://h",
    "AMQP_URL": "amqp://h",
    "DEFAULT_DOMAIN": "s.test",
    "SPOOL_DIR": "/spool",
    "VISITOR_HASH_KEY": "a-key-of-these-tests",
}


def profile(name: str) -> dict[str, str]:
    """Return the settings of a profile."""
    lines = (FOLDER / f"{name}.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def test_there_is_a_file_for_each_profile() -> None:
    """And no other."""
    assert {path.stem for path in FOLDER.iterdir()} == set(DEMANDS)


@pytest.mark.parametrize("name", DEMANDS)
def test_a_profile_is_what_the_planner_says(name: str) -> None:
    """`make profiles` makes it anew after a change of the planner."""
    assert (FOLDER / f"{name}.env").read_text() == profile_text(name)


@pytest.mark.parametrize("name", DEMANDS)
@pytest.mark.parametrize("service", SETTINGS, ids=["redirector", "shortener", "click-ingest"])
def test_every_service_starts_with_a_profile(service: type[msgspec.Struct], name: str) -> None:
    """Its values are within the limits of the settings."""
    load(service, {**NEEDED, **profile(name)})


@pytest.mark.parametrize("name", DEMANDS)
def test_profiles_have_the_same_known_settings(name: str) -> None:
    """So that choosing one undoes the other whole."""
    known = {variable for each in SETTINGS for variable in variables(each)}
    assert set(profile(name)) == set(profile("development")) <= known


def test_development_is_the_defaults() -> None:
    """Rolling back to it is as if no profile had ever been chosen."""
    defaults = {name: value for each in SETTINGS for name, value in variables(each).items()}
    assert profile("development") == {name: str(defaults[name]) for name in profile("development")}


@pytest.mark.parametrize("name", ["development", "1m", "2m"])
def test_profiles_of_one_host_fit_the_servers_as_they_are_configured(name: str) -> None:
    """deploy/postgres and deploy/redis allow what these need."""
    servers = make_plan(DEMANDS[name]).servers
    deploy = FOLDER.parent
    postgres = _number(deploy / "postgres/postgresql.conf", "max_connections = ")
    redis = _number(deploy / "redis/redis.conf", "maxclients ")
    assert servers.max_connections <= postgres
    assert servers.maxclients <= redis
    policies = json.loads((deploy / "rabbitmq/definitions.json").read_text())["policies"]
    allowed = {each["name"]: each["definition"]["max-length-bytes"] for each in policies}
    assert servers.queue_max_bytes <= allowed["clicks-ingest"]
    assert int(profile(name)["DATABASE_MAX_CONNECTIONS"]) <= postgres - RESERVED_CONNECTIONS


@pytest.mark.parametrize("name", DEMANDS)
def test_the_roadmap_in_env_example_is_the_planner_s(name: str) -> None:
    """Each profile has a line in the comments, with its peak, budgets and replicas."""
    plan = make_plan(DEMANDS[name])
    most = plan.max_replicas
    label = {"development": name, "10m": "10M+"}.get(name, name.upper())
    lines = (FOLDER.parents[1] / ".env.example").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"#   {label} "))
    figures = re.findall(r"\d+", line.removeprefix(f"#   {label} "))
    assert figures[:6] == [
        str(round(plan.peak_per_s)),
        str(plan.database.budget),
        str(plan.redis.budget),
        str(most.redirector),
        str(most.shortener),
        str(most.click_ingest),
    ]


def test_more_clicks_never_need_less() -> None:
    """Budgets grow along the roadmap."""
    budgets = [make_plan(Demand(clicks_per_day=n * 10**6)).database.budget for n in (1, 2, 5, 10)]
    assert budgets == sorted(budgets)


def _number(path: Path, start: str) -> int:
    (line,) = (line for line in path.read_text().splitlines() if line.startswith(start))
    return int(line.removeprefix(start))
