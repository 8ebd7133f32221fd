"""The checked-in description, taken at its word: what it does not list, no answer may have."""

import json
from pathlib import Path
from typing import Any

from local_stack.home import PROJECT_ROOT

DOCUMENT = PROJECT_ROOT / "docs/openapi.json"

_OPEN = frozenset({"Problem"})
"""Stands for every kind of problem, whose members differ."""


def write_strict(target: Path) -> None:
    """Write the description with the types of answers closed; published ones may grow."""
    document = json.loads(DOCUMENT.read_text())
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        if name not in _OPEN and "properties" in schema:
            schema["additionalProperties"] = False
    for name in _named_in_requests(document, schemas):
        schemas[name].pop("additionalProperties", None)
    target.write_text(json.dumps(document))


def _named_in_requests(document: Any, schemas: Any) -> set[str]:
    bodies = [
        operation["requestBody"]
        for item in document["paths"].values()
        for operation in item.values()
        if "requestBody" in operation
    ]
    found: set[str] = set()
    waiting = _references(bodies)
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= _references(schemas[name]) - found
    return found


def _references(part: Any) -> set[str]:
    if isinstance(part, dict):
        name = part.get("$ref")
        ours = {name.rpartition("/")[2]} if isinstance(name, str) else set()
        return ours.union(*map(_references, part.values()))
    return set().union(*map(_references, part)) if isinstance(part, list) else set()
