"""What every section of the benchmark works with: its options, and the screen."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.bench.findings import Findings


class Screen(Protocol):
    """Where a run tells how far it is."""

    def say(self, text: str) -> None:
        """Show one line."""

    def progress(self, name: str, total: float) -> AbstractContextManager[Callable[[float], None]]:
        """Show how far a step is; the block calls what it gets with what was done since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How much is measured."""

    rounds: int = 5
    """Of each thing that is compared with another; the median counts."""
    round_s: float = 8.0
    sustained_s: float = 600.0
    sustained_per_second: float = 11_600.0
    scale: float = 1.0
    """Of the data that growth, reads and ingest load; below 1 for a quick look."""
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One run; `folder` is its own and is deleted when the run ends."""

    options: Options
    screen: Screen
    folder: Path


Section = Callable[[Bench], Findings]
"""Brings up what it needs, measures, and leaves nothing running."""
