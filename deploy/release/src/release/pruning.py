"""Forgetting releases to which nobody will go back, with their images."""

from release.compose import compose_of
from release.history import History
from release.host import Host
from release.preparing import BUILT

KEPT = 5
"""Releases that have served, the present one included."""


def forget_old_releases(host: Host, history: History) -> None:
    """Drop all but the last ones; an image in use stays, and so do its layers."""
    tried = list(dict.fromkeys(entry["release"] for entry in reversed(history.entries)))
    served = [
        name
        for name in tried
        if any(_has_served(e) for e in history.entries if e["release"] == name)
    ]
    kept = {history.current, *served[:KEPT]}
    kept_tags = {release.tag for name in kept if (release := host.release(name))}
    for name in tried:
        release = host.release(name) if name not in kept else None
        if release is None:
            continue
        if release.tag not in kept_tags:
            with compose_of(host.docker, release, host.mounted) as compose:
                for service in BUILT:
                    host.docker.attempt("image", "rm", compose.image(service))
        host.forget(name)


def _has_served(entry: dict[str, str]) -> bool:
    return entry["outcome"] == "serves"
