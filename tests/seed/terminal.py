"""What seeding prints: a bar on a terminal, plain lines elsewhere, and the rate at the end."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from rich.console import Console

from tests.support.progress import progress


class SeedTerminal:
    """The screen of the person who seeds, or the log of a machine that does."""

    __slots__ = ("_console",)

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        """Show one line."""
        self._console.print(text, markup=False)

    def progress(self, name: str, total: int) -> AbstractContextManager[Callable[[float], None]]:
        """Show how far a step is while the block runs: it calls what it gets with new rows."""
        return progress(self._console, name, total)
