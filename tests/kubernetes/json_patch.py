"""The operations of RFC 6902 that the overlays use."""

from collections.abc import Mapping, Sequence
from typing import Any


class PatchError(Exception):
    """An operation does not fit the document, or is not known here."""


def apply_patch(document: Any, operations: Sequence[Mapping[str, Any]]) -> None:
    """Carry out `add`, `replace` and `remove` in place.

    Raises:
        PatchError: a path is not there, or an operation is not known here.
    """
    for operation in operations:
        path = operation["path"]
        *parents, last = (_unescaped(part) for part in path.split("/")[1:])
        node = document
        try:
            for part in parents:
                node = node[int(part)] if isinstance(node, list) else node[part]
            _change(node, last, operation)
        except (KeyError, IndexError, ValueError, TypeError):
            raise PatchError(f"{operation['op']} {path}: there is no such place") from None


def _change(node: Any, last: str, operation: Mapping[str, Any]) -> None:
    kind = operation["op"]
    if kind not in ("add", "replace", "remove"):
        raise PatchError(f"{kind}: not known here")
    if isinstance(node, list):
        index = len(node) if last == "-" else int(last)
        if kind == "add":
            node.insert(index, operation["value"])
        elif kind == "replace":
            node[index] = operation["value"]
        else:
            del node[index]
        return
    if kind != "add":
        node[last]  # has to be there
    if kind == "remove":
        del node[last]
    else:
        node[last] = operation["value"]


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")
