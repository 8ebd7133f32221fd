"""What runs in containers: how little it may do, who reaches it, what is in its images."""

import re
import subprocess
import time
from typing import Any

import httpx2
import pytest

from tests.deploy.site import PROJECT, Site
from tests.support.visit import Visit

Described = dict[str, Any]
STORES = ("postgres", "redis", "rabbitmq")
OURS = ("redirector", "shortener", "click-ingest")
SECRETS = re.compile(r"(PASSWORD|API_KEY|HASH_KEY|_URL)=.+")
FORBIDDEN = re.compile(
    r"(^|/)(gcc|g\+\+|cc|clang|ld|make|cmake|rustc|cargo|pip3?|git)$"
    r"|(^|/)(\.env|\.git|secrets|tests?|\.cache)(/|$)|\.(c|h|pyx)$"
)
OF_THE_SYSTEM = re.compile(
    r"^(usr/(lib|share|include|local/lib)/|proc/|sys/|dev/|etc/|var/lib/dpkg/)"
)


@pytest.fixture(scope="module")
def containers(site: Site) -> dict[str, Described]:
    """What the engine says of those that go on running."""
    return {name: each for name, each in site.containers().items() if each["State"]["Running"]}


def test_everything_is_healthy(containers: dict[str, Described]) -> None:
    """Compose has waited for all eight, whose own checks say so."""
    assert {name: each["State"]["Health"]["Status"] for name, each in containers.items()} == {
        name: "healthy"
        for name in ("nginx", "redirector-1", "redirector-2", "shortener", "click-ingest", *STORES)
    }


def test_nothing_may_more_than_it_needs(containers: dict[str, Described]) -> None:
    """A read-only root, no capability, no way to new ones, nobody is root, logs are rotated."""
    for name, each in containers.items():
        host = each["HostConfig"]
        assert host["ReadonlyRootfs"], name
        assert (host["CapDrop"], host["CapAdd"]) == (["ALL"], None), name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert each["Config"]["User"] not in ("", "0", "root", "0:0"), name
        assert host["LogConfig"]["Config"] == {"max-file": "5", "max-size": "10m"}, name


@pytest.mark.parametrize(
    ("service", "cores", "megabytes"),
    [
        pytest.param("redirector-1", 1, 1024, id="redirector"),
        pytest.param("shortener", 1, 1024, id="shortener"),
        pytest.param("postgres", 2, 2048, id="postgres"),
        pytest.param("redis", 0.5, 512, id="redis"),
    ],
)
def test_limits(
    containers: dict[str, Described],
    service: str,
    cores: float,
    megabytes: int,
) -> None:
    """They are those of the sizing."""
    host = containers[service]["HostConfig"]
    assert (host["NanoCpus"] / 1e9, host["Memory"] / 2**20) == (cores, megabytes)


def test_server_limits(site: Site) -> None:
    """PostgreSQL admits 400 connections and Redis 200 clients."""
    assert site.query("SHOW max_connections").strip() == "400"
    ask = 'REDISCLI_AUTH="$(cat /run/secrets/redis_password)" redis-cli CONFIG GET maxclients'
    assert site.compose("exec", "-T", "redis", "sh", "-c", ask).split() == ["maxclients", "200"]


def test_services_are_no_superuser_of_their_database(site: Site) -> None:
    """Theirs owns its database and may make others; the superuser has no password to log in by."""
    role = "SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user"
    assert site.query(role).strip() == "f|t"
    with_password = "SELECT string_agg(rolname, ' ') FROM pg_authid WHERE rolpassword IS NOT NULL"
    as_superuser = ("psql", "-qAt", "-U", "postgres", "-h", "/var/run/postgresql")
    listed = site.compose("exec", "-T", "postgres", *as_superuser, "-c", with_password)
    assert listed.strip() == "qck"


def test_no_secret_is_in_an_environment(site: Site, containers: dict[str, Described]) -> None:
    """Whoever lists containers, or reads their logs, learns no password and no key."""
    folder = site.checkout.root / "secrets"
    values = [file.read_text().strip() for file in folder.iterdir() if file.is_file()]
    logs = site.compose("logs", "--no-color")
    for name, each in containers.items():
        assert not [x for x in each["Config"]["Env"] if SECRETS.search(x) and "_FILE=" not in x], (
            name
        )
        assert not [value for value in values if value in str(each)], name
    assert not [value for value in values if value in logs]


def test_stores_are_reached_by_services_only(site: Site, containers: dict[str, Described]) -> None:
    """They are published nowhere, and nginx, which the public reaches, does not find them."""
    for name in STORES:
        assert not containers[name]["HostConfig"]["PortBindings"], name
        assert set(containers[name]["NetworkSettings"]["Networks"]) == {f"{PROJECT}_stores"}
    assert f"{PROJECT}_stores" not in containers["nginx"]["NetworkSettings"]["Networks"]
    bindings = containers["nginx"]["HostConfig"]["PortBindings"].values()
    assert {each["HostIp"] for ports in bindings for each in ports} == {"127.0.0.1"}
    site.compose(
        "exec", "-T", "nginx", "sh", "-c", "! timeout 2 bash -c '</dev/tcp/postgres/5432'"
    )


def test_a_newcomers_call(site: Site, codes: list[str], all_visits: list[Visit]) -> None:
    """A link is made inside, followed outside and counted; the API is not to be had outside."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{site.ports['public']}") as visitor:
        answer = visitor.get(f"/{codes[0]}", headers={"Host": site.domain})
        assert (answer.status_code, answer.headers["location"]) == (302, "https://example.org/0")
        refused = visitor.get("/rest/health", headers={"Host": site.domain})
        assert refused.status_code == 404
    for path, each in ((codes[0], answer), ("rest/health", refused)):
        request_id = each.headers["x-request-id"]
        all_visits.append(Visit(time.time(), path, each.status_code, 0.0, request_id))
    site.stored({visit.request_id for visit in all_visits})
    found = f"SELECT count(*) FROM clicks WHERE short_code = '{codes[0]}'"
    assert site.query(found).strip() == "1"


@pytest.mark.parametrize("service", OURS)
def test_images_bring_nothing_along(site: Site, service: str) -> None:
    """No compiler, no installer, no tests, no settings, no sources in C, no cache."""
    image = f"{PROJECT}/{service}:dev"
    created = subprocess.run(
        ["docker", "create", image], capture_output=True, text=True, check=True
    )
    container = created.stdout.strip()
    try:
        with subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as export:
            listed = subprocess.run(
                ["tar", "-t"], stdin=export.stdout, capture_output=True, text=True, check=True
            )
    finally:
        subprocess.run(["docker", "rm", container], capture_output=True, check=True)
    names = [name.rstrip("/") for name in listed.stdout.splitlines()]
    assert "opt/qck/packages" in names
    found = [name for name in names if FORBIDDEN.search(name) and not OF_THE_SYSTEM.search(name)]
    assert [name for name in found if not name.endswith(("bin/test",))] == []
