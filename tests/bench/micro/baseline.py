"""The stored baseline: each case's time as a multiple of the reference's, per version of Python.

A multiple travels from one machine to another, but not from one interpreter to the next.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.bench.micro.rounds import Times

FILE = Path(__file__).with_name("baseline.json")

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def read_baseline(file: Path = FILE, python: str = PYTHON) -> dict[str, float]:
    """Return the multiples by case; empty if none are stored for this Python."""
    try:
        stored = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    return {name: float(value) for name, value in stored.get(python, {}).items()}


def write_baseline(
    times: Mapping[str, Times], file: Path = FILE, python: str = PYTHON, *, keep: bool = False
) -> None:
    """Store what was measured; `keep` the cases that were not, else they are dropped."""
    try:
        stored = json.loads(file.read_text())
    except FileNotFoundError:
        stored = {}
    measured = {name: round(each.in_references, 5) for name, each in times.items()}
    stored[python] = {**stored.get(python, {}), **measured} if keep else measured
    file.write_text(json.dumps(stored, indent=2, sort_keys=True) + "\n")
