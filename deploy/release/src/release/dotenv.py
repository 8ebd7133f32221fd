"""The few lines of a `.env` that this package itself needs; Compose reads the rest."""

import re

_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$")


def read_setting(text: str, name: str, default: str = "") -> str:
    """Return the value of `name` in the text of a `.env`: its last one, `default` if empty."""
    value = ""
    for line in text.splitlines():
        match = _LINE.match(line)
        if match and match[1] == name:
            value = _unquoted(match[2])
    return value or default


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    return re.sub(r"\s+#.*$", "", text)
