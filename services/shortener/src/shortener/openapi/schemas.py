"""JSON Schemas of types, as msgspec makes them."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from shared.json_schemas import schema_components

_GENERIC = re.compile(r"\b([A-Za-z]+)_([A-Za-z]+)_$")


class Schemas:
    """Schemas of these types; `components` has what is named, in the order of the names."""

    def __init__(self, types: Iterable[Any]) -> None:
        self._types = list(dict.fromkeys(each for each in types if each not in (str, bytes)))
        self._schemas, components = schema_components(self._types)
        self.components = {_named(name): _plain(components[name]) for name in sorted(components)}

    def of(self, type_: Any) -> dict[str, Any]:
        """Return the schema of one of the types, mostly a reference; text and bytes need none."""
        if type_ in (str, bytes):
            return {"type": "string"}
        schema: dict[str, Any] = _plain(self._schemas[self._types.index(type_)])
        return schema

    def members(self, struct: type[msgspec.Struct]) -> tuple[dict[str, Any], list[str]]:
        """Return the schemas of a struct's members, and the names of the required ones."""
        (_,), components = schema_components([struct])
        schema = _plain(components[struct.__name__])
        return schema["properties"], schema.get("required", [])


def _named(text: str) -> str:
    """Return the name of a component, or a reference to it, in words as other names are."""
    return _GENERIC.sub(lambda found: found[2][0].upper() + found[2][1:] + found[1], text)


def _plain(schema: Any) -> Any:
    """Leave out the titles, which only repeat the names."""
    if isinstance(schema, dict):
        return {
            name: _named(value) if name == "$ref" else _plain(value)
            for name, value in schema.items()
            if not (name == "title" and isinstance(value, str))
        }
    return [_plain(each) for each in schema] if isinstance(schema, list) else schema
