"""The configuration of the nginx in front: whom it trusts, and what containers get of it."""

import re
from pathlib import Path

import pytest

from shared.nginx_config import NginxSettings, container_files, real_ip_rules, write_config
from shared.nginx_limits import limit_values
from shared.settings import SettingsError

TEMPLATES = Path(__file__).parents[2] / "nginx/templates"
ADDRESSES = {
    "REDIRECTOR_1": "10.0.0.1:8000",
    "REDIRECTOR_2": "10.0.0.2:8000",
    "SHORTENER": "10.0.0.3:8000",
}


def a_config(folder: Path, **variables: str) -> dict[str, str]:
    """Write a container's configuration and read it back."""
    write_config(
        {"NGINX_TEMPLATES": str(TEMPLATES), "NGINX_CONFIG": str(folder), **ADDRESSES, **variables}
    )
    return {path.name: path.read_text() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("trusted", "rules"),
    [
        pytest.param("", [], id="none"),
        pytest.param("10.1.2.3/8", ["set_real_ip_from 10.0.0.0/8;"], id="network"),
        pytest.param(
            "192.0.2.1, 2001:db8::/32",
            ["set_real_ip_from 192.0.2.1/32;", "set_real_ip_from 2001:db8::/32;"],
            id="list",
        ),
    ],
)
def test_trusted_proxies(trusted: str, rules: list[str]) -> None:
    """Each network is a directive, however the list is separated."""
    assert real_ip_rules(trusted).splitlines() == rules


def test_trusted_proxies_cannot_smuggle_directives() -> None:
    """What is not a network does not get into nginx's configuration."""
    with pytest.raises(ValueError, match="neither an address nor a network"):
        real_ip_rules("10.0.0.0/8;access_log,/etc/passwd;")


def test_a_container_gets_whole_files(tmp_path: Path) -> None:
    """Nothing is left to fill in, nothing half-written is left behind."""
    files = a_config(tmp_path)
    assert sorted(files) == ["nginx.conf", "qck.conf", "tls.conf"]
    assert not any(re.search(r"\$\{[A-Z]", text) for text in files.values())
    assert "server 10.0.0.1:8000 max_fails=3" in files["qck.conf"]


def test_connections_suffice_for_all_who_may_wait(tmp_path: Path) -> None:
    """Two workers hold two connections for each visitor whom two redirectors let wait."""
    match = re.search(r"worker_connections (\d+);", a_config(tmp_path)["nginx.conf"])
    assert match
    assert 2 * int(match[1]) >= 2 * 2 * 2000


def test_tls_is_only_there_where_it_is_switched_on(tmp_path: Path) -> None:
    """Without a certificate nginx would not start."""
    assert "tls.conf" not in a_config(tmp_path)["qck.conf"]
    secure = a_config(tmp_path, TLS="true", HSTS_MAX_AGE_S="60")["qck.conf"]
    assert "include /etc/qck/nginx/tls.conf;" in secure
    assert 'on "max-age=60";' in secure


def test_wrong_settings_leave_the_former_configuration(tmp_path: Path) -> None:
    """What nginx would refuse is refused before it is written."""
    before = a_config(tmp_path)
    with pytest.raises(
        SettingsError, match="TRUSTED_PROXIES: neither an address nor a network: all"
    ):
        a_config(tmp_path, TRUSTED_PROXIES="10.0.0.0/8, all", HSTS_MAX_AGE_S="60")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


def test_limits_reach_a_container(tmp_path: Path) -> None:
    """What .env has of limits is in its nginx, defaults where it has nothing."""
    config = a_config(tmp_path, LIMIT_PUBLIC_PER_S="7", LIMIT_API_BURST="8", LIMIT_EXEMPT="none")
    assert "zone=qck_public:10m rate=7r/s;" in config["qck.conf"]
    assert "limit_req zone=qck_api burst=8 nodelay;" in config["qck.conf"]
    assert "client_header_timeout 10s;" in config["qck.conf"]
    assert " 1;" not in config["qck.conf"].partition("geo $qck_is_exempt {")[2].partition("}")[0]


@pytest.mark.parametrize("given", [{}, {"LIMIT_EXEMPT": "", "LIMIT_SLOW_CLIENT_S": ""}])
def test_limits_that_are_not_set_have_defaults(given: dict[str, str]) -> None:
    """Loopback and private networks are exempt; an empty setting is one that is not set."""
    values = limit_values(given)
    assert values["LIMIT_SLOW_CLIENT_S"] == "10"
    assert "127.0.0.0/8 1;" in values["LIMIT_EXEMPT_RULES"]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        pytest.param({"LIMIT_PUBLIC_PER_S": "0"}, "LIMIT_PUBLIC_PER_S", id="zero"),
        pytest.param({"LIMIT_API_BURST": "5;x"}, "LIMIT_API_BURST", id="smuggled"),
        pytest.param({"LIMIT_EXEMPT": "10.0.0.0/8;x"}, "LIMIT_EXEMPT: neither", id="network"),
    ],
)
def test_limits_are_checked(given: dict[str, str], named: str) -> None:
    """A wrong limit is named, and nothing of it gets into the configuration."""
    with pytest.raises(SettingsError, match=named):
        limit_values(given)


def test_addresses_are_needed(tmp_path: Path) -> None:
    """All that is missing is named at once."""
    with pytest.raises(SettingsError) as raised:
        write_config({"NGINX_TEMPLATES": str(tmp_path)})
    assert len(raised.value.problems) == 4


def test_files_are_named_as_the_container_includes_them(tmp_path: Path) -> None:
    """Each include of the configuration has its file."""
    settings = NginxSettings(
        nginx_templates=TEMPLATES, nginx_config=tmp_path, tls=True,
        redirector_1="a:1", redirector_2="b:1", shortener="c:1",
    )  # fmt: skip
    files = container_files(settings)
    included = re.findall(r"include /etc/qck/nginx/(\S+);", "".join(files.values()))
    assert set(included) < set(files)
