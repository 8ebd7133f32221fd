"""ConfigMaps out of a kustomization, and the hash in their names: a changed one rolls its pods."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

GENERATED = {"generated": "true"}
"""An annotation until the name is final; Kustomize has one of its own."""

# Kustomize spells a hash without letters and digits that could make a word.
_SPELLING = str.maketrans("013ae", "ghkmt")
_HASH_LENGTH = 10


def generate(entry: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Make a ConfigMap of literals and files.

    Raises:
        ValueError: the entry has more than is known here.
    """
    if unknown := set(entry) - {"name", "behavior", "literals", "files"}:
        raise ValueError(f"configMapGenerator: {', '.join(sorted(unknown))}: not known here")
    data = dict(literal.split("=", 1) for literal in entry.get("literals", []))
    for name in entry.get("files", []):
        path = folder / name
        data[path.name] = path.read_text()
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": entry["name"], "annotations": dict(GENERATED)},
        "data": data,
    }


def merge(existing: dict[str, Any], changed: Mapping[str, Any]) -> None:
    """Add to a ConfigMap what another one has, whose values win."""
    existing["data"] = {**existing["data"], **changed["data"]}


def hashed_name(config_map: Mapping[str, Any]) -> str:
    """Return the name with the hash of what is in it, as Kustomize has it."""
    name = config_map["metadata"]["name"]
    # Kustomize looks for the name in the wrong place and hashes an empty one.
    content = {"data": config_map["data"], "kind": "ConfigMap", "name": ""}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # Go escapes these in JSON, for HTML's sake.
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{name}-{digest.translate(_SPELLING)}"
