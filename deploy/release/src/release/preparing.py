"""Everything before the first container is replaced: images, files, settings, stores, schema."""

from collections.abc import Iterable
from pathlib import Path

from release.compose import Compose, has_registry, image_label
from release.container import container_of
from release.errors import ReleaseError
from release.host import Host
from release.probe import ask_beside
from release.terminal import Report, step

BUILT = ("redirector-1", "shortener", "click-ingest")
"""A service for each image of ours."""
SERVICES = {
    "redirector-1": "redirector",
    "shortener": "shortener",
    "click-ingest": "click_ingest",
}
STORES = ("postgres", "redis", "rabbitmq")
_REVISION = "org.opencontainers.image.revision"


def ensure_images(compose: Compose, report: Report) -> None:
    """Have a release's images on the engine: those that are there, else pulled, else built.

    Raises:
        ReleaseError: they are of other sources, or cannot be had.
    """
    release, docker = compose.release, compose.docker
    found = {name: image_label(docker, compose.image(name), _REVISION) for name in BUILT}
    missing = [name for name, revision in found.items() if revision is None]
    others = {revision for revision in found.values() if revision is not None} - {release.revision}
    if others and not has_registry(release.image_prefix):
        raise ReleaseError(
            f"images of release {release.tag} are there, but of other sources"
            f" ({', '.join(others)}, not {release.revision}): choose another name, RELEASE=..."
        )
    if not missing:
        report.say(f"images of {release.tag}: there")
    elif has_registry(release.image_prefix):
        with step(report, f"images of {release.tag}: pull"):
            compose.run("pull", *missing)
    else:
        with step(report, f"images of {release.tag}: build"):
            compose.run("build", *missing)


def require_images(compose: Compose, report: Report) -> None:
    """Have the images of a release that served before.

    Raises:
        ReleaseError: they are neither on the engine nor in a registry.
    """
    missing = [
        n for n in BUILT if image_label(compose.docker, compose.image(n), _REVISION) is None
    ]
    if missing and not has_registry(compose.release.image_prefix):
        raise ReleaseError(f"images of {compose.release.tag} are not on this host any more")
    if missing:
        with step(report, f"images of {compose.release.tag}: pull"):
            compose.run("pull", *missing)


def read_secrets(root: Path) -> dict[str, bytes]:
    """Return the files under `secrets/` of a checkout, certificates included.

    Raises:
        ReleaseError: this user may not read them.
    """
    folder = root / "secrets"
    try:
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
    except OSError as error:
        raise ReleaseError(f"{error.filename} cannot be read: {error.strerror}") from error


def check_secrets(compose: Compose, host: Host, placed: Iterable[str]) -> None:
    """Have every secret that a service uses on the host.

    Raises:
        ReleaseError: with all that are missing.
    """
    used = {
        secret["source"]
        for described in compose.services.values()
        for secret in described.get("secrets", [])
    }
    unknown = sorted(used - {name.removeprefix("secrets/") for name in placed})
    missing = [name for name in unknown if not host.read(f"files/secrets/{name}")]
    if missing:
        raise ReleaseError(f"secrets are missing: {', '.join(missing)}; make secrets makes them")


def check_settings(compose: Compose, report: Report) -> None:
    """Have each service check its settings with the release's own code.

    Raises:
        ReleaseError: with all that is wrong.
    """
    with step(report, "settings: check"):
        problems = []
        for service, package in SERVICES.items():
            try:
                ask_beside(compose, service, "settings", package, network="none")
            except ReleaseError as error:
                problems.append(str(error))
        if problems:
            raise ReleaseError("\n".join(problems))


def start_stores(compose: Compose, report: Report) -> None:
    """Start the stores that do not run; those that do are never restarted here.

    Raises:
        ReleaseError: one does not become ready.
    """
    docker = compose.docker
    changed = [
        name
        for name in STORES
        if (container := container_of(docker, name)) is not None
        and not compose.describes(name, container.config_hash)
    ]
    with step(report, "stores: have them run"):
        compose.run("up", "-d", "--no-recreate", "--wait", "--wait-timeout", "180", *STORES)
    if changed:
        report.say(
            f"{', '.join(changed)}: described otherwise now (image, settings or where files are),"
            f" but going on as before until make deploy-store S={changed[0]}"
        )


def check_budgets(compose: Compose, report: Report) -> None:
    """Compare the fleet's connection budgets with the servers' limits.

    Raises:
        ReleaseError: with what does not fit.
    """
    with step(report, "connection budgets: compare with the servers' limits"):
        network = f"{compose.docker.project}_stores"
        ask_beside(compose, "shortener", "budgets", network=network)


def migrate(compose: Compose, report: Report) -> None:
    """Bring the schema to what the release knows; what serves now goes on with it.

    Raises:
        ReleaseError: a migration failed; what it had begun is rolled back.
    """
    with step(report, "database: migrate"):
        compose.run("run", "--rm", "--no-deps", "-T", "migrate")
