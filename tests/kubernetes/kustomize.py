"""Renders the part of Kustomize that deploy/kubernetes uses, where there is no kustomize.

Strict: a field that is not known here is an error and not left out, so what renders here renders
there. Where kubectl is installed, `make lint` compares both.
"""

import copy
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from tests.kubernetes.config_maps import generate, hashed_name, merge
from tests.kubernetes.json_patch import PatchError, apply_patch

Resource = dict[str, Any]
Key = tuple[str, str]

_FIELDS = {
    "apiVersion", "kind", "namespace", "resources", "labels", "images", "configMapGenerator",
    "patches",
}  # fmt: skip
_CLUSTER_WIDE = {"Namespace"}


class KustomizeError(Exception):
    """A kustomization cannot be rendered; the message names the file and why."""


def render(folder: Path) -> list[Resource]:
    """Return what `kubectl kustomize` prints for a folder, in the order of its files.

    Raises:
        KustomizeError: something is wrong, or beyond the part that is known here.
    """
    resources = _accumulate(folder)
    names = {
        resource["metadata"]["name"]: hashed_name(resource)
        for resource in resources.values()
        if _is_generated(resource)
    }
    for resource in resources.values():
        if _is_generated(resource):
            resource["metadata"]["name"] = names[resource["metadata"]["name"]]
            del resource["metadata"]["annotations"]
        else:
            _walk(resource, partial(_refer, names))
    return list(resources.values())


def _accumulate(folder: Path) -> dict[Key, Resource]:
    path = folder / "kustomization.yaml"
    try:
        text = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise KustomizeError(f"{path}: {error}") from None
    if unknown := set(text) - _FIELDS:
        raise KustomizeError(f"{path}: {', '.join(sorted(unknown))}: not known here")
    resources: dict[Key, Resource] = {}
    for name in text.get("resources", []):
        for resource in _load((folder / name).resolve()):
            _add(resources, resource, path)
    for entry in text.get("configMapGenerator", []):
        _generate(entry, folder, resources, path)
    for patch in text.get("patches", []):
        _patch(patch, resources, path)
    for resource in resources.values():
        _transform(resource, text, path)
    return resources


def _load(path: Path) -> list[Resource]:
    if path.is_dir():
        return list(_accumulate(path).values())
    return [each for each in yaml.safe_load_all(path.read_text()) if each]


def _add(resources: dict[Key, Resource], resource: Resource, path: Path) -> None:
    key = resource["kind"], resource["metadata"]["name"]
    if key in resources:
        raise KustomizeError(f"{path}: {key[0]} {key[1]} is there twice")
    resources[key] = copy.deepcopy(resource)


def _generate(
    entry: Mapping[str, Any], folder: Path, resources: dict[Key, Resource], path: Path
) -> None:
    try:
        made = generate(entry, folder)
    except (OSError, ValueError) as error:
        raise KustomizeError(f"{path}: {error}") from None
    behavior = entry.get("behavior", "create")
    existing = resources.get(("ConfigMap", entry["name"]))
    if behavior == "merge":
        if existing is None:
            raise KustomizeError(f"{path}: no ConfigMap {entry['name']} to merge into")
        merge(existing, made)
    elif behavior == "create":
        _add(resources, made, path)
    else:
        raise KustomizeError(f"{path}: behavior {behavior}: not known here")


def _patch(patch: Mapping[str, Any], resources: dict[Key, Resource], path: Path) -> None:
    if set(patch) != {"target", "patch"} or set(patch["target"]) != {"kind", "name"}:
        raise KustomizeError(f"{path}: only patches in place, by kind and name, are known here")
    target = patch["target"]["kind"], patch["target"]["name"]
    if target not in resources:
        raise KustomizeError(f"{path}: a patch's target {' '.join(target)} does not exist")
    try:
        apply_patch(resources[target], yaml.safe_load(patch["patch"]))
    except PatchError as error:
        raise KustomizeError(f"{path}: {' '.join(target)}: {error}") from None


def _transform(resource: Resource, text: Mapping[str, Any], path: Path) -> None:
    metadata = resource["metadata"]
    if namespace := text.get("namespace"):
        if resource["kind"] == "Namespace":
            metadata["name"] = namespace
        if resource["kind"] not in _CLUSTER_WIDE:
            metadata["namespace"] = namespace
    for entry in text.get("labels", []):
        if set(entry) != {"pairs"}:
            raise KustomizeError(f"{path}: labels with more than pairs are not known here")
        metadata["labels"] = {**metadata.get("labels", {}), **entry["pairs"]}
    for image in text.get("images", []):
        if not {"name"} < set(image) <= {"name", "newName", "newTag"}:
            raise KustomizeError(f"{path}: image {image['name']}: not known here")
        _walk(resource, partial(_retag, image))


def _retag(image: Mapping[str, str], node: dict[str, Any]) -> None:
    used = node.get("image")
    if not isinstance(used, str):
        return
    name, _, tag = used.partition(":")
    if name == image["name"]:
        tag = image.get("newTag", tag)
        name = image.get("newName", name)
        node["image"] = f"{name}:{tag}" if tag else name


def _refer(names: Mapping[str, str], node: dict[str, Any]) -> None:
    """Let references to ConfigMaps follow their new names."""
    for field in ("configMap", "configMapRef", "configMapKeyRef"):
        reference = node.get(field)
        if isinstance(reference, dict) and reference.get("name") in names:
            reference["name"] = names[reference["name"]]


def _walk(node: Any, visit: Callable[[dict[str, Any]], None]) -> None:
    if isinstance(node, dict):
        visit(node)
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, dict | list):
            _walk(child, visit)


def _is_generated(resource: Resource) -> bool:
    return "generated" in resource["metadata"].get("annotations", {})
