"""The page that shows the document to people: HTML without scripts, drawn once."""

import re
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from shortener.openapi.type_notation import type_html

STYLE = (Path(__file__).parent / "page.css").read_text()

_METHODS = ("get", "post", "put", "patch", "delete")

Document = Mapping[str, Any]


def render_page(document: Document) -> str:
    """Return the page."""
    info = document["info"]
    groups = {tag["name"]: _operations(document, tag["name"]) for tag in document["tags"]}
    schemas = document["components"]["schemas"]
    return "".join(
        (
            '<!doctype html><html lang="en"><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{escape(info['title'])} API</title><style>{STYLE}</style><nav>",
            *(_menu(name, operations) for name, operations in groups.items()),
            '<h2>Types</h2><a href="#types">All types</a></nav><main>',
            f"<h1>{escape(info['title'])} API <small>v{escape(info['version'])}</small></h1>",
            f"<p>{_text(info['description'])}</p>",
            f"<p>All paths are below <code>{escape(document['servers'][0]['url'])}</code>. A key",
            " goes into the header <code>X-Api-Key</code>.",
            ' For programs: <a href="openapi.json">openapi.json</a>.</p>',
            *(_group(document, name, operations) for name, operations in groups.items()),
            '<h2 id="types">Types</h2>',
            *(_schema(name, schema) for name, schema in schemas.items()),
            "</main></html>",
        )
    )


def _operations(document: Document, group: str) -> list[tuple[str, str, Any]]:
    return [
        (method, path, item[method])
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item and group in item[method]["tags"]
    ]


def _menu(group: str, operations: Iterable[tuple[str, str, Any]]) -> str:
    links = (
        f'<a href="#{each["operationId"]}">{escape(each["summary"])}</a>'
        for _, _, each in operations
    )
    return f"<h2>{escape(group)}</h2>{''.join(links)}"


def _group(document: Document, name: str, operations: Iterable[tuple[str, str, Any]]) -> str:
    shown = (_operation(document, *operation) for operation in operations)
    return f"<h2>{escape(name)}</h2>{''.join(shown)}"


def _operation(document: Document, method: str, path: str, operation: Any) -> str:
    parts = [_text(operation.get("description", ""))]
    if operation.get("security") is None:
        parts.append("<p>Needs no key.</p>")
    if operation["parameters"]:
        parts.append("<h4>Parameters</h4>" + _table(map(_parameter, operation["parameters"])))
    if body := operation.get("requestBody"):
        parts.append(f"<h4>Body</h4><p>{_text(body.get('description', ''))}{_content(body)}</p>")
    answers = (_answer(document, *each) for each in operation["responses"].items())
    parts.append("<h4>Answers</h4>" + _table(answers))
    return (
        f'<details><summary><b class="method {method}">{method.upper()}</b>'
        f"<code>{escape(path)}</code><span>{escape(operation['summary'])}</span></summary>"
        f'<div id="{operation["operationId"]}">{"".join(parts)}</div></details>'
    )


def _parameter(parameter: Any) -> tuple[str, ...]:
    name = _name(parameter["name"], is_needed=parameter.get("required", False))
    where = f'<span class="quiet">{parameter["in"]}</span>'
    description = _text(parameter.get("description", ""))
    return name, where, type_html(parameter["schema"]), description


def _answer(document: Document, status: str, answer: Any) -> tuple[str, ...]:
    if reference := answer.get("$ref"):
        answer = document["components"]["responses"][reference.rpartition("/")[2]]
    headers = ", ".join(f"<code>{escape(name)}</code>" for name in answer.get("headers", ()))
    return status, _text(answer["description"]), _content(answer), headers


def _content(answer: Any) -> str:
    return "<br>".join(
        f'{type_html(each["schema"])} <span class="quiet">{escape(media)}</span>'
        for media, each in answer.get("content", {}).items()
    )


def _schema(name: str, schema: Any) -> str:
    needed = schema.get("required", ())
    rows = (
        (_name(member, is_needed=member in needed), type_html(each), _description(each))
        for member, each in schema.get("properties", {}).items()
    )
    return (
        f"<details><summary><code>{escape(name)}</code></summary>"
        f'<div id="type-{escape(name)}"><p>{_text(schema.get("description", ""))}</p>'
        f"{_table(rows)}</div></details>"
    )


def _description(schema: Any) -> str:
    """Return what is said of a member, also where it may be null."""
    texts = (schema, *schema.get("anyOf", ()))
    return " ".join(_text(each["description"]) for each in texts if "description" in each)


def _name(name: str, *, is_needed: bool) -> str:
    return f"<code{' class=needed' if is_needed else ''}>{escape(name)}</code>"


def _table(rows: Iterable[Iterable[str]]) -> str:
    lines = ("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{''.join(lines)}</table>"


def _text(text: str) -> str:
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))
