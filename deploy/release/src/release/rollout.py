"""The order in which a release takes the place of another one."""

from release.compose import Compose
from release.container import container_of
from release.probe import ask_inside
from release.replacing import REDIRECTORS, Replacing
from release.terminal import Report, step

_MONITORING = ("prometheus", "grafana")


def roll_forward(compose: Compose, report: Report, *, is_forced: bool = False) -> None:
    """Bring a release in: redirectors one by one, the rest, nginx; then try all of it.

    Raises:
        ReleaseError: something does not become ready or does not do what it should.
    """
    replacing = Replacing(compose, report, is_forced)
    for service in _weakest_first(compose):
        replacing.redirector(service)
    replacing.single("shortener")
    replacing.single("click-ingest")
    replacing.nginx()
    replacing.monitoring([name for name in _MONITORING if name in compose.services])
    smoke_test(compose, report)


def roll_back(compose: Compose, report: Report) -> None:
    """Undo a rollout that failed half-way: the other way round, so what has failed comes first.

    Raises:
        ReleaseError: the former release does not become ready either.
    """
    replacing = Replacing(compose, report)
    replacing.nginx()
    replacing.single("click-ingest")
    replacing.single("shortener")
    for service in _weakest_first(compose, reversed_=True):
        replacing.redirector(service)
    smoke_test(compose, report)


def smoke_test(compose: Compose, report: Report) -> None:
    """Make a link through the internal door, follow it through the public one, delete it.

    Raises:
        ReleaseError: one of the doors answers something else.
    """
    with step(report, "smoke test: make a link inside, follow it outside, delete it"):
        if said := ask_inside(compose, "shortener", "doors", "smoke"):
            report.say(said)


def _weakest_first(compose: Compose, *, reversed_: bool = False) -> list[str]:
    """A replica that does not serve anyway is replaced first, the one that does last."""

    def is_healthy(service: str) -> bool:
        container = container_of(compose.docker, service)
        return container is not None and container.is_healthy

    return sorted(reversed(REDIRECTORS) if reversed_ else REDIRECTORS, key=is_healthy)
