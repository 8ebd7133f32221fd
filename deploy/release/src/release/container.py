"""The container of a service, as the engine has it, and waiting until it is well."""

import json
import time
from dataclasses import dataclass
from typing import Any

from release.docker import Docker
from release.errors import ReleaseError

READY_WITHIN_S = 90.0
_LOOK_EACH_S = 0.25
_LOG_LINES = "12"


@dataclass(frozen=True, slots=True)
class Container:
    """What matters of its state."""

    id: str
    image: str
    """The id of its image."""
    config_hash: str
    is_running: bool
    is_healthy: bool
    is_unhealthy: bool
    """Told by its check, and not only not yet told."""
    restarts: int
    complaint: str
    """What its check said last."""


def container_of(docker: Docker, service: str) -> Container | None:
    """Return a service's container, the running one if there are two; None if there is none."""
    filters = [
        word
        for label in (f"project={docker.project}", f"service={service}", "oneoff=False")
        for word in ("--filter", f"label=com.docker.compose.{label}")
    ]
    ids = docker.run("ps", "-aq", "--no-trunc", *filters).decode().split()
    # One that is being removed may be gone by now.
    done = docker.attempt("container", "inspect", *ids) if ids else None
    found = [_read(each) for each in json.loads(done.stdout or b"[]")] if done else []
    return max(found, key=lambda each: each.is_running, default=None)


def wait_until_healthy(docker: Docker, service: str, within_s: float = READY_WITHIN_S) -> None:
    """Wait until a container's own check calls it healthy.

    Raises:
        ReleaseError: it dies, its check gives up, or it takes too long; with its last words.
    """
    deadline = time.monotonic() + within_s
    while True:
        container = container_of(docker, service)
        if container is None:
            raise ReleaseError(f"{service} has no container")
        if container.is_healthy:
            return
        if not container.is_running or container.restarts:
            raise ReleaseError(f"{service} does not stay up:\n{_last_words(docker, container)}")
        if container.is_unhealthy or time.monotonic() > deadline:
            words = _last_words(docker, container)
            raise ReleaseError(f"{service} does not become ready: {container.complaint}\n{words}")
        time.sleep(_LOOK_EACH_S)


def _read(described: dict[str, Any]) -> Container:
    state = described["State"]
    health = state.get("Health") or {}
    said = [entry["Output"].strip() for entry in health.get("Log") or [] if entry["Output"]]
    is_running = state["Status"] == "running"
    return Container(
        id=described["Id"],
        image=described["Image"],
        config_hash=described["Config"]["Labels"].get("com.docker.compose.config-hash", ""),
        is_running=is_running,
        is_healthy=is_running and health.get("Status") == "healthy",
        is_unhealthy=health.get("Status") == "unhealthy",
        restarts=described["RestartCount"],
        complaint=said[-1].splitlines()[-1] if said else "its check has said nothing",
    )


def _last_words(docker: Docker, container: Container) -> str:
    done = docker.attempt("logs", "--tail", _LOG_LINES, container.id)
    lines = (done.stdout + done.stderr).decode(errors="replace").splitlines()
    return "\n".join(f"  | {line}" for line in lines)
