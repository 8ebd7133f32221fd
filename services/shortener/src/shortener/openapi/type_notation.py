"""A JSON Schema in a few words, with links to what is named."""

from collections.abc import Iterator
from html import escape
from typing import Any

_BOUNDS = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
)


def type_html(schema: Any) -> str:
    """Return HTML that says what the values are."""
    if reference := schema.get("$ref"):
        name = escape(reference.rpartition("/")[2])
        return f'<a href="#type-{name}">{name}</a>'
    if choices := schema.get("anyOf"):
        return " or ".join(type_html(each) for each in choices)
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if "enum" in schema:
        shown = ", ".join(f"<code>{escape(str(each))}</code>" for each in schema["enum"])
    elif schema.get("type") == "array":
        shown = f"list of {type_html(schema.get('items', {}))}"
    else:
        shown = escape(schema.get("format", schema.get("type", "anything")))
    return shown + "".join(f' <span class="quiet">{each}</span>' for each in _notes(schema))


def _notes(schema: Any) -> Iterator[str]:
    for least, most, unit in _BOUNDS:
        if least in schema and most in schema:
            yield f"{schema[least]:,} to {schema[most]:,}{unit}"
        elif most in schema:
            yield f"at most {schema[most]:,}{unit}"
        elif least in schema:
            yield f"at least {schema[least]:,}{unit}"
    if schema.get("default") not in (None, "", []):
        default = schema["default"]
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        yield f"default {escape(shown)}"
