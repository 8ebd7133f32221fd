"""Replacing one service's container by that of a release, if it is not there already."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from release.compose import Compose
from release.container import container_of, wait_until_healthy
from release.docker import explain
from release.errors import CommandError, ReleaseError
from release.probe import ask_inside
from release.terminal import Report, step

REDIRECTORS = ("redirector-1", "redirector-2")
NGINX_CONFIG = "/etc/qck/nginx/nginx.conf"
SERVED_WITHIN_S = 20.0
CONNECTED_WITHIN_S = 15.0
"""For what a process opens in the background, such as its connection to the broker."""
SETTLED_WITHIN_S = 45.0
"""For the `docker compose` that a killed deploy has left at work: the longest grace period of a
container, and its successor's start."""

_IN_THE_WAY = re.compile(rb"already in use by container|No such container|already in progress")
"""What the engine says to the second of two that replace one container."""


@dataclass(frozen=True, slots=True)
class Replacing:
    """Brings services to `compose`'s release; `is_forced` replaces those too that have it."""

    compose: Compose
    report: Report
    is_forced: bool = False

    def is_in_place(self, service: str) -> bool:
        """Tell whether a healthy container of just this release and these settings runs."""
        container = container_of(self.compose.docker, service)
        return (
            container is not None
            and container.is_healthy
            and container.image == self._image_id(service)
            and self.compose.describes(service, container.config_hash)
        )

    def redirector(self, service: str) -> None:
        """Replace one replica, and wait until it is ready and has served.

        Raises:
            ReleaseError: it does not get there, or the other one cannot serve meanwhile.
        """
        (other,) = set(REDIRECTORS) - {service}
        if self._is_done(service):
            return
        docker = self.compose.docker
        mine, others = container_of(docker, service), container_of(docker, other)
        is_serving = mine is not None and mine.is_healthy
        if is_serving and not (others and others.is_healthy):
            raise ReleaseError(
                f"{service} cannot be replaced while {other} is not ready: nobody would serve"
            )
        with step(self.report, f"{service}: replace, wait until it is ready and has served"):
            accepted = self._failing(other) if others and others.is_healthy else []
            self._recreate(service)
            self._wait_for_connections(service, accepted)
            nginx = container_of(docker, "nginx")
            if nginx is not None and nginx.is_running:
                ask_inside(self.compose, service, "doors", "served", str(SERVED_WITHIN_S))

    def single(self, service: str) -> None:
        """Replace a service that has one process: it drains, then the new one takes over.

        Raises:
            ReleaseError: it does not become ready.
        """
        if not self._is_done(service):
            with step(self.report, f"{service}: drain, replace, wait until it is ready"):
                self._recreate(service)

    def nginx(self) -> None:
        """Write nginx's configuration and have it reloaded; replace nginx only if it must be.

        Raises:
            ReleaseError: nginx refuses the configuration; it then goes on with the former one.
        """
        compose = self.compose
        with step(self.report, "nginx: write the configuration, test it, reload"):
            compose.run("run", "--rm", "--no-deps", "-T", "nginx-config")
            if self.is_in_place("nginx"):
                for words in (["-t"], ["-s", "reload"]):
                    compose.run(
                        "exec", "-T", "nginx", "nginx", "-e", "stderr", "-c", NGINX_CONFIG, *words
                    )
                return
            if container_of(compose.docker, "nginx") is not None:
                self.report.say(
                    "nginx itself changes (image, ports, TLS): for about a second nobody is let in"
                )
            self._recreate("nginx")

    def monitoring(self, services: Sequence[str]) -> None:
        """Bring what watches, where it is switched on.

        Raises:
            ReleaseError: it cannot be started.
        """
        if services:
            with step(self.report, f"{' and '.join(services)}: bring up to date"):
                self.compose.run("up", "-d", "--no-deps", "--no-build", *services)
                if "prometheus" in services:
                    self.compose.run("kill", "-s", "HUP", "prometheus")

    def _is_done(self, service: str) -> bool:
        if self.is_forced or not self.is_in_place(service):
            return False
        self.report.say(f"{service}: has it already")
        return True

    def _recreate(self, service: str) -> None:
        # Forced, so that a container that is broken but has the right name is not left as it is.
        up = ("up", "-d", "--no-deps", "--no-build", "--force-recreate", service)
        deadline = time.monotonic() + SETTLED_WITHIN_S
        while (done := self.compose.attempt(*up)).returncode:
            if not _IN_THE_WAY.search(done.stderr) or time.monotonic() > deadline:
                raise CommandError(explain(("compose", *up), done.stdout, done.stderr))
            self.report.say(f"{service}: a deploy that was killed is still replacing it; again")
            time.sleep(1)
        wait_until_healthy(self.compose.docker, service)

    def _failing(self, service: str) -> list[str]:
        return ask_inside(self.compose, service, "readiness").split()

    def _wait_for_connections(self, service: str, accepted: Sequence[str]) -> None:
        """Have it reach what the other one does: it calls itself ready with less."""
        deadline = time.monotonic() + CONNECTED_WITHIN_S
        while missing := set(self._failing(service)) - set(accepted):
            if time.monotonic() > deadline:
                raise ReleaseError(f"{service} is ready, but without {', '.join(sorted(missing))}")
            time.sleep(0.25)

    def _image_id(self, service: str) -> str:
        image = self.compose.image(service)
        done = self.compose.docker.attempt("image", "inspect", "-f", "{{.Id}}", image)
        return done.stdout.decode().strip()
