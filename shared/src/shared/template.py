"""Filling `${UPPER_CASE}` names into servers' configuration files."""

import re
from collections.abc import Mapping

_NAME = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


def render(text: str, values: Mapping[str, str]) -> str:
    """Replace each `${NAME}` by its value; `$name`, which servers use themselves, stays.

    Raises:
        KeyError: the text asks for a name that has no value.
    """
    return _NAME.sub(lambda match: values[match[1]], text)
