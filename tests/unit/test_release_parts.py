"""What a release is made of: settings, names, its record, images and their registry."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from release.checkout import release_of
from release.compose import Compose, has_registry
from release.docker import Docker, explain
from release.dotenv import read_setting
from release.errors import ReleaseError
from release.probe import ask_beside
from release.record import Release, unpack_release


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("A=1\nA=2\n", "2", id="the last counts"),
        pytest.param("A='x y'", "x y", id="quotes"),
        pytest.param('export A="x"', "x", id="export"),
        pytest.param("A=x # why", "x", id="comment"),
        pytest.param("# A=1\nAB=2", "default", id="none"),
        pytest.param("A=", "default", id="empty"),
    ],
)
def test_settings_are_read_as_compose_reads_them(text: str, value: str) -> None:
    """Of the few that the deploy itself needs."""
    assert read_setting(text, "A", "default") == value


def test_a_record_is_read_back() -> None:
    """With every byte."""
    release = Release("a", "b", "c", {".env": b"X=1\n", "deploy/x": bytes(range(256))})
    assert unpack_release(release.pack()) == release


def test_a_record_that_is_none() -> None:
    """It is said, and not a traceback."""
    with pytest.raises(ReleaseError, match="cannot be read"):
        unpack_release(b"nonsense" * 200)


def test_overlays_come_from_the_settings() -> None:
    """In their order; Compose's own file alone without."""
    assert Release("a", "a", "", {".env": b""}).compose_files == ["docker-compose.yml"]
    both = b"COMPOSE_FILE=docker-compose.yml:deploy/tls.compose.yml"
    release = Release("a", "a", "", {".env": both})
    assert release.compose_files == ["docker-compose.yml", "deploy/tls.compose.yml"]


@pytest.mark.parametrize(
    ("prefix", "is_registry"),
    [
        ("qck", False),
        ("team/qck", False),
        ("registry.example.org/qck", True),
        ("localhost:5000/q", True),
    ],
)
def test_registries(prefix: str, is_registry: bool) -> None:
    """As Docker itself tells them from folders of its own."""
    assert has_registry(prefix) is is_registry


def test_a_checkout_needs_settings(tmp_path: Path) -> None:
    """And says where they come from."""
    with pytest.raises(ReleaseError, match=r"cp \.env\.example \.env"):
        release_of(tmp_path, "")


def test_an_overlay_outside_is_refused(tmp_path: Path) -> None:
    """What is not in the checkout could not be brought back."""
    (tmp_path / ".env").write_text("COMPOSE_FILE=docker-compose.yml:../other.yml\n")
    (tmp_path / "docker-compose.yml").write_text("")
    (tmp_path.parent / "other.yml").write_text("")
    with pytest.raises(ReleaseError, match=r"COMPOSE_FILE names \.\./other\.yml"):
        release_of(tmp_path, "a")


def test_a_name_that_is_no_tag(tmp_path: Path) -> None:
    """It would end in the middle of a command otherwise."""
    (tmp_path / ".env").write_text("")
    with pytest.raises(ReleaseError, match="cannot be a release"):
        release_of(tmp_path, "a b; rm")


def test_docker_does_not_see_the_shells_settings() -> None:
    """They would be gone at the rollback; Docker's own variables pass."""
    docker = Docker("qck", {"PUBLIC_PORT": "1", "DOCKER_CONTEXT": "prod", "PATH": "/bin"})
    assert docker.clean_environment() == {"DOCKER_CONTEXT": "prod", "PATH": "/bin"}


def test_a_failure_ends_with_what_was_said() -> None:
    """And names the command without its pages of options."""
    said = explain(["compose", "-f", "/a", "up", "redis"], b"", b"one\n\ntwo\n")
    assert said == "docker compose up redis failed:\n  | one\n  | two"


def test_a_python_that_is_too_old() -> None:
    """It is said in a line, since a host that only deploys has no .venv."""
    script = "import sys; sys.version_info = (3, 10, 12); import release"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == (
        "deploying needs Python 3.11 or newer: make deploy PYTHON=/path/to/python3\n"
    )


@dataclass(frozen=True)
class EngineWithOverlay(Docker):
    """Answers with a service for which an overlay mounts a folder, and notes what is run."""

    ran: list[tuple[str, ...]] = field(default_factory=list)

    def attempt(
        self,
        *arguments: str,
        given: bytes | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[bytes]":
        """Do as docker would."""
        volumes = [
            {"type": "bind", "source": "/srv/authorities", "target": "/etc/authorities"},
            {"type": "volume", "source": "spool", "target": "/var/lib/qck/spool"},
        ]
        model = {"services": {"redirector-1": {"image": "qck/redirector:1", "volumes": volumes}}}
        if arguments[0] == "run":
            self.ran.append(arguments)
        return subprocess.CompletedProcess(arguments, 0, json.dumps(model).encode(), b"")


def test_settings_are_checked_with_what_a_service_has_of_the_host(tmp_path: Path) -> None:
    """A certificate of the host that an overlay mounts is there for the check; volumes are not."""
    engine = EngineWithOverlay(project="qck", environment={})
    compose = Compose(engine, Release("a", "b", "c", {".env": b""}), tmp_path, "/files")
    ask_beside(compose, "redirector-1", "settings", "redirector", network="none")
    (words,) = engine.ran
    assert [word for word in words if word.startswith("type=")] == [
        "type=bind,src=/srv/authorities,dst=/etc/authorities,readonly"
    ]
