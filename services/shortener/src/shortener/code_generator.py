"""Random short codes: unguessable, 62 characters to choose from, longer where they get scarce."""

import secrets
from collections.abc import Callable, Iterator

from shared.short_code import ALPHABET, is_reserved

DRAWS_PER_LENGTH = 3
"""Three taken codes in a row at 7 characters mean that the space is nearly full, not bad luck."""

MAX_EXTRA_LENGTH = 4

Choose = Callable[[str], str]
Draw = Callable[[int, str], Iterator[str]]
"""Takes the length and the prefix."""


def draw_codes(length: int, prefix: str = "", choose: Choose = secrets.choice) -> Iterator[str]:
    """Yield one code after another to try, `prefix` included; the end means: give up."""
    for longer in range(MAX_EXTRA_LENGTH + 1):
        for _ in range(DRAWS_PER_LENGTH):
            yield _draw(length + longer, prefix, choose)


def _draw(length: int, prefix: str, choose: Choose) -> str:
    while True:
        code = prefix + "".join(choose(ALPHABET) for _ in range(length))
        if not is_reserved(code):
            return code
