"""What is written for supervisord, shells and servers, from values with awkward characters."""

import base64
import hashlib
import subprocess
from pathlib import Path

import pytest

from local_stack import rabbitmq, services, supervisor_config
from local_stack.environment import fresh_secrets
from local_stack.errors import SettingsError, StackError
from local_stack.home import PROJECT_ROOT, Home
from local_stack.nginx import real_ip_rules
from local_stack.nginx_limits import limit_values
from local_stack.program import Program
from local_stack.programs import ALL, PRIVATE_PORTS, choose
from local_stack.template import render

PORTS = {name: 20_000 + place for place, name in enumerate((*PRIVATE_PORTS, "nginx", "api"))}


def a_program(folder: Path, *command: str, **environment: str) -> Program:
    """Describe a program that needs no server."""
    return Program(
        name="any",
        command=command,
        folder=folder,
        port=1,
        probe=lambda: "ok",
        environment=environment,
    )


def test_launcher_keeps_every_character(tmp_path: Path) -> None:
    """Quotes, dollars, percents and newlines reach the program as they were."""
    value = 'it\'s "$HOME" 100% `id`\n\\ end'
    program = a_program(tmp_path, "printenv", "AWKWARD", AWKWARD=value)
    script = tmp_path / "launch"
    script.write_text(program.launcher())
    printed = subprocess.run(["sh", script], capture_output=True, text=True, check=True).stdout
    assert printed == value + "\n"


def test_launcher_becomes_the_program(tmp_path: Path) -> None:
    """Its pid is that of the script, so signals go where they should."""
    script = tmp_path / "launch"
    script.write_text(a_program(tmp_path, "sh", "-c", "echo $$").launcher())
    with subprocess.Popen(["sh", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert int(process.stdout.read()) == process.pid


def test_supervisor_configuration_escapes_percents(tmp_path: Path) -> None:
    """A folder called 100% would otherwise be an expansion."""
    home = Home(tmp_path / "100% mine")
    home.create()
    text = supervisor_config.render(home, [a_program(home.path, "true")], as_root=False)
    assert "100%% mine/logs/any.log" in text
    assert "100% mine" not in text


def test_services_get_no_password_they_do_not_need(tmp_path: Path) -> None:
    """The servers' passwords come inside URLs, and container addresses do not come at all."""
    settings = {
        **fresh_secrets(),
        "DATABASE_URL": "postgresql://db:5432/qck",
        "DATABASE_READ_URL": "postgresql://replica:5432/qck",
        "LOG_LEVEL": "debug",
        "CLICK_RETENTION_DAYS": "",
    }
    environment = services.environment(
        "redirector-1", home=Home(tmp_path), ports=PORTS, settings=settings
    )
    assert environment["DATABASE_URL"].endswith(f"@127.0.0.1:{PORTS['postgres']}/qck")
    assert environment["HTTP_PORT"] == str(PORTS["redirector-1"])
    assert environment["INSTANCE"] == "redirector-1"
    assert environment["LOG_LEVEL"] == "debug"
    assert environment.keys().isdisjoint(
        {"POSTGRES_PASSWORD", "DATABASE_READ_URL", "CLICK_RETENTION_DAYS"}
    )


def test_passwords_are_quoted_in_urls(tmp_path: Path) -> None:
    """A slash or an at sign in a password does not move the host name."""
    settings = {**fresh_secrets(), "POSTGRES_PASSWORD": "a/b@c", "RABBITMQ_PASSWORD": "%2F"}
    environment = services.environment(
        "shortener", home=Home(tmp_path), ports=PORTS, settings=settings
    )
    assert "//qck:a%2Fb%40c@127.0.0.1:" in environment["DATABASE_URL"]
    assert "//qck:%252F@127.0.0.1:" in environment["AMQP_URL"]


def test_rabbitmq_password_hash() -> None:
    """It is base64 of four random bytes and SHA-256 over them and the password."""
    raw = base64.b64decode(rabbitmq.password_hash("secret"))
    salt, digest = raw[:4], raw[4:]
    assert digest == hashlib.sha256(salt + b"secret").digest()
    assert rabbitmq.password_hash("secret") != rabbitmq.password_hash("secret")


def test_template_leaves_the_servers_own_names() -> None:
    """Only upper-case names in braces are ours."""
    assert render("${PORT} $host ${host} $PORT", {"PORT": "1"}) == "1 $host ${host} $PORT"


def test_template_with_a_name_that_has_no_value() -> None:
    """A forgotten variable is an error here and not in nginx's log."""
    with pytest.raises(KeyError, match="FORGOTTEN"):
        render("listen ${FORGOTTEN};", {})


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
    with pytest.raises(SettingsError, match="neither an address nor a network"):
        real_ip_rules("10.0.0.0/8;access_log,/etc/passwd;")


def test_container_script_makes_the_same_rules() -> None:
    """The official image reads TRUSTED_PROXIES through a script of ours."""
    script = PROJECT_ROOT / "nginx/entrypoint/15-trusted-proxies.envsh"
    made = subprocess.run(
        ["sh", "-euc", f'. {script}; printf %s "$REAL_IP_RULES"'],
        env={"TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.1/32"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert made.split(";") == [
        *(
            f" {line.removesuffix(';')}"
            for line in real_ip_rules("10.0.0.0/8 192.0.2.1").split("\n")
        ),
        "",
    ]


@pytest.mark.parametrize("exempt", ["", "none", "10.0.0.0/8, 2001:db8::/32"])
def test_container_script_has_the_same_limits(exempt: str) -> None:
    """The official image gets what the local stack's nginx gets, defaults included."""
    script = PROJECT_ROOT / "nginx/entrypoint/16-limits.envsh"
    given = {"LIMIT_EXEMPT": exempt, "LIMIT_API_BURST": "7"}
    made = subprocess.run(
        ["sh", "-euc", f". {script}; env"], env=given, capture_output=True, text=True, check=True
    ).stdout
    exported = dict(line.split("=", 1) for line in made.splitlines())
    for name, value in limit_values(given).items():
        assert exported[name].split() == value.split(), name


def test_limits_are_checked() -> None:
    """Each wrong limit is named, and what is no network does not get into the configuration."""
    with pytest.raises(SettingsError) as caught:
        limit_values({"LIMIT_PUBLIC_PER_S": "0", "LIMIT_EXEMPT": "10.0.0.0/8;x"})
    assert [text.split()[0] for text in caught.value.problems] == [
        "LIMIT_PUBLIC_PER_S",
        "LIMIT_EXEMPT:",
    ]


def test_rabbitmq_brings_its_port_mapper() -> None:
    """A subset is completed and put in the usual order."""
    assert choose(["redis", "rabbitmq"]) == ("epmd", "rabbitmq", "redis")
    assert choose(ALL) == ALL


def test_unknown_program() -> None:
    """A typing mistake is answered with the names that there are."""
    with pytest.raises(StackError, match=r"no such program: reddis; there are .*redis"):
        choose(["reddis"])
