"""Rendered resources against the schemas of Kubernetes itself, which a package carries."""

from collections.abc import Iterable
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]

OLDEST, NEWEST = "1.30", "1.37"
"""The releases that manifests are held to: what a cluster runs is in between."""


def problems(resources: Iterable[dict[str, Any]], version: str) -> list[str]:
    """Return what is wrong, fields that a release does not know among it."""
    found = []
    for resource in resources:
        name = f"{resource['kind']} {resource['metadata']['name']}"
        try:
            kubernetes_validate.validate(resource, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            where = ".".join(str(part) for part in error.path)
            found.append(f"{name}, Kubernetes {version}: {where}: {error.message}")
        except kubernetes_validate.SchemaNotFoundError as error:
            found.append(f"{name}: {error.message}")
    return found
