"""What is written for supervisord, shells and servers, from values with awkward characters."""

import base64
import hashlib
import subprocess
from pathlib import Path

import pytest

from local_stack import rabbitmq, services
from local_stack.environment import fresh_secrets
from local_stack.errors import StackError
from local_stack.home import Home
from local_stack.program import Program
from local_stack.programs import ALL, PRIVATE_PORTS, choose

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


@pytest.mark.parametrize("character", [*"'\"\\$`\n*?["])
def test_folder_in_which_servers_cannot_work(tmp_path: Path, character: str) -> None:
    """It is refused with the reason, where RabbitMQ would hang and nginx expand its name."""
    with pytest.raises(StackError, match="its name must be without"):
        Home(tmp_path / f"it{character}s").create()
    assert list(tmp_path.iterdir()) == []


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


def test_rabbitmq_brings_its_port_mapper() -> None:
    """A subset is completed and put in the usual order."""
    assert choose(["redis", "rabbitmq"]) == ("epmd", "rabbitmq", "redis")
    assert choose(ALL) == ALL


def test_unknown_program() -> None:
    """A typing mistake is answered with the names that there are."""
    with pytest.raises(StackError, match=r"no such program: reddis; there are .*redis"):
        choose(["reddis"])
