"""JSON Schemas of types, as msgspec makes them, the same from every Python."""

import inspect
from collections.abc import Iterable
from typing import Any

import msgspec

_REF_TEMPLATE = "#/components/schemas/{name}"


def schema_components(types: Iterable[Any]) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
    """Return a schema of each type, mostly a reference, and what the references lead to."""
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF_TEMPLATE)
    for component in components.values():
        # A docstring, of which Pythons before 3.13 leave the lines indented.
        if description := component.get("description"):
            component["description"] = inspect.cleandoc(description)
    return schemas, components
