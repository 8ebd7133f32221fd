"""A Docker engine that keeps its containers in a dict, for the decisions of a deploy."""

import hashlib
import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from release.docker import Docker

REVISION = "org.opencontainers.image.revision"
_IMAGES = {
    "nginx": "nginx:1", "nginx-config": "redirector", "migrate": "shortener",
    "redirector-1": "redirector", "redirector-2": "redirector", "shortener": "shortener",
    "click-ingest": "click-ingest", "postgres": "postgres:1", "redis": "redis:1",
    "rabbitmq": "rabbitmq:1",
}  # fmt: skip
_OURS = ("redirector", "shortener", "click-ingest")


@dataclass
class Running:
    """A container."""

    image: str
    digest: str
    is_healthy: bool = True


@dataclass(frozen=True)
class FakeEngine(Docker):
    """Does what the deploy asks for at once, unless it is told that something breaks."""

    folder: Path = field(kw_only=True)
    """What stands for the host's folder."""
    images: dict[str, str] = field(default_factory=dict)
    """Name to revision."""
    containers: dict[str, Running] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    """`service:tag` that does not become healthy, or commands' words that fail."""
    in_the_way: set[str] = field(default_factory=set)
    """Words at which another `docker compose` is in the way, once each."""
    interrupt_at: set[str] = field(default_factory=set)
    """Words at which somebody presses Ctrl-C."""
    done: list[str] = field(default_factory=list)
    """What has been changed, in order."""

    def attempt(
        self,
        *arguments: str,
        given: bytes | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[bytes]":
        """Answer as docker would."""
        status, out = self._answer(list(arguments), given or b"", dict(extra or {}))
        return subprocess.CompletedProcess(arguments, status, out, out if status else b"")

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start a process that lives as the lock's container does."""
        pipe = subprocess.PIPE
        return subprocess.Popen(["sh", "-c", arguments[-1]], stdin=pipe, stdout=pipe, stderr=pipe)

    def _answer(self, words: list[str], given: bytes, env: dict[str, str]) -> tuple[int, bytes]:
        if words[0] == "compose":
            return self._compose(words, env)
        if words[0] == "run" and "-euc" in words:
            return self._on_host(words[words.index("-euc") + 1 :], given)
        if words[0] == "run":
            return self._step(f"probe {words[-1] if words[-1] != '-' else 'budgets'}")
        if words[:2] == ["image", "inspect"]:
            revision = self.images.get(words[-1])
            if revision is None:
                return 1, b"Error: No such image"
            return 0, (revision if REVISION in words[3] else f"id-{words[-1]}").encode()
        if words[0] == "ps":
            (service,) = re.findall(r"compose\.service=(\S+)", " ".join(words))
            return 0, service.encode() if service in self.containers else b""
        if words[:2] == ["container", "inspect"]:
            return 0, json.dumps([self._described(name) for name in words[2:]]).encode()
        if words[0] == "tag":
            self.images[words[2]] = "adopted"
        if words[:2] == ["image", "rm"]:
            self.images.pop(words[2], None)
        return 0, b""

    def _compose(self, words: list[str], env: dict[str, str]) -> tuple[int, bytes]:
        settings = Path(words[words.index("--env-file") + 1]).read_text()
        command = words[max(i for i, word in enumerate(words) if word == "-f") + 2 :]
        if command[:2] == ["config", "--format"]:
            return 0, json.dumps(_model(env)).encode()
        if command[:2] == ["config", "--hash"]:
            return 0, f"{command[2]} {_digest(command[2], settings)}".encode()
        if command[0] == "build":
            for name in _OURS:
                self.images[f"qck/{name}:{env['RELEASE']}"] = env["REVISION"]
            return self._step("build")
        if command[0] == "--dry-run":
            return 0, b"Container Recreate"
        if command[0] == "up":
            services = [word for word in command[1:] if word in _IMAGES]
            return self._up(services, settings, env, is_kept="--no-recreate" in command)
        if command[0] == "exec":
            return self._step(
                " ".join(word for word in command if word not in ("-T", "-", "python3"))
            )
        return self._step(" ".join(word for word in command if not word.startswith("-")))

    def _up(
        self, services: list[str], settings: str, env: dict[str, str], *, is_kept: bool
    ) -> tuple[int, bytes]:
        for service in services:
            if is_kept and service in self.containers:
                continue
            tag = env["RELEASE"]
            status, said = self._step(f"up {service}:{tag}")
            if status:
                return status, said
            image = str(_model(env)["services"][service]["image"])
            is_healthy = f"{service}:{tag}" not in self.broken
            self.containers[service] = Running(image, _digest(service, settings), is_healthy)
        return 0, b""

    def _step(self, words: str) -> tuple[int, bytes]:
        if any(part in words for part in self.interrupt_at):
            raise KeyboardInterrupt
        if not words.startswith(("probe", "exec")):
            self.done.append(words)
        if words in self.in_the_way:
            self.in_the_way.remove(words)
            return 1, b'Conflict. The container name "/x" is already in use by container "y".'
        is_broken = any(part in words for part in self.broken if ":" not in part)
        return (1, b"it is broken") if is_broken else (0, b"")

    def _on_host(self, words: list[str], given: bytes) -> tuple[int, bytes]:
        script = words[0].replace("/host", str(self.folder))
        done = subprocess.run(
            ["sh", "-euc", script, *words[1:]], input=given, capture_output=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    def _described(self, service: str) -> dict[str, object]:
        container = self.containers[service]
        health = "healthy" if container.is_healthy else "unhealthy"
        return {
            "Id": service,
            "Image": f"id-{container.image}",
            "Config": {"Labels": {"com.docker.compose.config-hash": container.digest}},
            "RestartCount": 0,
            "State": {"Status": "running", "Health": {"Status": health, "Log": []}},
        }


def _model(env: Mapping[str, str]) -> dict[str, dict[str, dict[str, object]]]:
    services: dict[str, dict[str, object]] = {
        service: {
            "image": image if ":" in image else f"qck/{image}:{env['RELEASE']}",
            "environment": {},
            "secrets": [{"source": "database_url"}] if image in _OURS else [],
        }
        for service, image in _IMAGES.items()
    }
    return {"services": services, "secrets": {"database_url": {"file": "/secrets/database_url"}}}


def _digest(service: str, settings: str) -> str:
    """What a service was started with, and a store never changes here."""
    is_ours = not _IMAGES[service].endswith(":1")
    return hashlib.sha256(f"{service} {settings if is_ours else ''}".encode()).hexdigest()
