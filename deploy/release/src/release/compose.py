"""Docker Compose over one release: its files, its settings, its images."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from release.docker import Docker, explain
from release.dotenv import read_setting
from release.errors import CommandError
from release.record import COMPOSE_FILE, ENV_FILE, Release


@dataclass(frozen=True, slots=True)
class Compose:
    """Runs `docker compose`; `folder` has the release's files, `mounted` is theirs on the host."""

    docker: Docker
    release: Release
    folder: Path
    mounted: str
    _model: dict[str, Any] = field(default_factory=dict, repr=False)

    def run(self, *arguments: str, given: bytes | None = None) -> bytes:
        """Run `docker compose ARGUMENTS`; return what it prints.

        Raises:
            CommandError: it failed.
        """
        done = self.attempt(*arguments, given=given)
        if done.returncode != 0:
            raise CommandError(explain(("compose", *arguments), done.stdout, done.stderr))
        return done.stdout

    def attempt(
        self, *arguments: str, given: bytes | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run it, and leave it to the caller what a failure means."""
        return self.docker.attempt(*self._words(arguments), given=given, extra=self._variables())

    @property
    def services(self) -> dict[str, Any]:
        """The services that are switched on, as Compose understands them.

        Raises:
            CommandError: the files or the settings in them are wrong.
        """
        return dict(self._read()["services"])

    def secret_file(self, name: str) -> str:
        """Return where the host keeps the secret `name`."""
        return str(self._read()["secrets"][name]["file"])

    def image(self, service: str) -> str:
        """Return the name of a service's image."""
        return str(self.services[service]["image"])

    def describes(self, service: str, config_hash: str) -> bool:
        """Tell whether a container with this digest is one that Compose would leave as it is.

        The digest covers what else the service was started with, so with some versions of Compose
        that of a container which was started alone is another than that of one among others.
        """
        if self.run("config", "--hash", service).decode().split()[-1] == config_hash:
            return True
        would_do = self.attempt("--dry-run", "up", "-d", "--no-deps", "--no-build", service)
        said = (would_do.stdout + would_do.stderr).decode(errors="replace")
        return would_do.returncode == 0 and not re.search(r"\bCreat|\bRecreat", said)

    def _read(self) -> dict[str, Any]:
        if not self._model:
            self._model.update(json.loads(self.run("config", "--format", "json")))
        return self._model

    def _words(self, arguments: tuple[str, ...]) -> list[str]:
        files = [
            word for name in self.release.compose_files for word in ("-f", str(self.folder / name))
        ]
        return [
            "compose", "--project-name", self.docker.project,
            "--project-directory", str(self.folder), "--env-file", str(self.folder / ENV_FILE),
            "--progress", "plain", *files, *arguments,
        ]  # fmt: skip

    def _variables(self) -> dict[str, str]:
        return {
            "RELEASE": self.release.tag,
            "REVISION": self.release.revision,
            "QCK_FILES": self.mounted,
            "COMPOSE_PROFILES": read_setting(self.release.env, "COMPOSE_PROFILES"),
            # Ours are given with -f.
            "COMPOSE_FILE": COMPOSE_FILE,
        }


@contextmanager
def compose_of(docker: Docker, release: Release, mounted: str) -> Iterator[Compose]:
    """Put a release's files where Compose can read them, for as long as the block runs."""
    with TemporaryDirectory(prefix="qck-release-") as name:
        folder = Path(name)
        for path, content in release.files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        yield Compose(docker, release, folder, mounted)


def has_registry(image_prefix: str) -> bool:
    """Tell whether images with this prefix come from a registry, by Docker's own rule."""
    first, slash, _ = image_prefix.partition("/")
    return bool(slash) and (first == "localhost" or "." in first or ":" in first)


def image_label(docker: Docker, image: str, label: str) -> str | None:
    """Return a label of an image of the engine; None where it has no such image.

    Raises:
        CommandError: the engine does not answer.
    """
    done = docker.attempt(
        "image", "inspect", "-f", f'{{{{index .Config.Labels "{label}"}}}}', image
    )
    if done.returncode == 0:
        return done.stdout.decode().strip()
    if b"No such image" in done.stderr:
        return None
    raise CommandError(done.stderr.decode(errors="replace").strip())
