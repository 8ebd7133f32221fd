"""All cases: what a visitor, an API client and a click pay for, function by function."""

from contextlib import ExitStack
from pathlib import Path

from tests.bench.micro import ingest_cases, redirect_cases, redirector_cases, shortener_cases
from tests.bench.micro.case import Case


def all_cases(folder: Path, stack: ExitStack) -> list[Case]:
    """Make every case; what they write goes to `folder`, and `stack` closes it."""
    return [
        *redirector_cases.cases(folder, stack),
        *redirect_cases.cases(folder, stack),
        *shortener_cases.cases(),
        *ingest_cases.cases(),
    ]
