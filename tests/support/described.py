"""What docs/openapi.json says of answers, to hold them to."""

import csv
import io
import json
import re
from typing import Any

import httpx2
import jsonschema

from local_stack.home import PROJECT_ROOT

DOCUMENT = json.loads((PROJECT_ROOT / "docs/openapi.json").read_text())


def operations() -> list[tuple[str, str, Any]]:
    """Return method, path and description of each operation: reads, changes, deletions.

    Visits are deleted before what they are of.
    """
    order = ("get", "post", "put", "patch", "delete")
    found = [
        (method, path, operation)
        for path, item in DOCUMENT["paths"].items()
        for method, operation in item.items()
    ]
    return sorted(found, key=lambda each: (order.index(each[0]), "/visits" not in each[1]))


def closed(part: Any) -> Any:
    """Return schemas in which no object has members that are not listed; problems stay open."""
    if isinstance(part, list):
        return [closed(each) for each in part]
    if not isinstance(part, dict):
        return part
    made = {name: closed(each) for name, each in part.items() if name != "Problem"}
    if "Problem" in part:
        made["Problem"] = part["Problem"]
    return {"additionalProperties": False, **made} if "properties" in part else made


COMPONENTS = {"components": closed(DOCUMENT["components"])}


def check_answer(operation: Any, answer: httpx2.Response) -> str:
    """Hold an answer to what is described of its status; return its type."""
    described = operation["responses"][str(answer.status_code)]
    if "content" not in described:
        assert answer.content == b""
        assert "content-type" not in answer.headers
        return ""
    kind: str = answer.headers["content-type"].partition(";")[0]
    schema = closed(described["content"][kind]["schema"]) | COMPONENTS
    columns = re.findall("`(.+?)`", described["description"].partition("line: ")[2])
    if kind == "text/csv":
        assert next(csv.reader(io.StringIO(answer.text))) == columns
    elif kind == "application/x-ndjson":
        lines = [json.loads(line) for line in answer.text.splitlines()]
        if columns:
            assert [list(line) for line in lines] == [columns] * len(lines) != []
        else:
            assert [[*line] for line in lines] == [["note"], ["progress"], ["done"]]
    elif kind.endswith("json"):
        jsonschema.validate(answer.json(), schema)
        assert '"data":[]' not in answer.text
    else:
        assert schema["type"] == "string"
        assert answer.content
    return kind
