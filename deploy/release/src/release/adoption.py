"""A stack that plain `docker compose up` has started, kept as a release to go back to."""

from datetime import UTC, datetime

from release.compose import Compose
from release.container import container_of
from release.preparing import BUILT
from release.record import Release


def adopt_running(compose: Compose) -> Release | None:
    """Describe what runs as a release, its images tagged; None if nothing does.

    Settings and configuration are those of the checkout, as nobody else has kept the former ones.
    """
    docker = compose.docker
    running = {service: container_of(docker, service) for service in BUILT}
    images = {service: found.image for service, found in running.items() if found is not None}
    if len(images) < len(BUILT):
        return None
    name = f"adopted-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    adopted = Release(name, name, "unknown", compose.release.files)
    for service, image in images.items():
        repository = compose.image(service).rpartition(":")[0]
        docker.run("tag", image, f"{repository}:{name}")
    return adopted
