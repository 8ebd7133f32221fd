"""The command lines of runs that take minutes: what cannot be run is told at once."""

from collections.abc import Callable, Sequence

import pytest

from tests.bench.__main__ import main as bench
from tests.capacity.__main__ import main as capacity_check
from tests.load.__main__ import main as load
from tests.resilience.backlog.__main__ import main as backlog
from tests.resilience.chaos.__main__ import main as chaos
from tests.seed.__main__ import main as seed

USAGE = 2


def seeded(arguments: Sequence[str]) -> int:
    """Seed a database that nobody named."""
    return seed(arguments, {"DATABASE_URL": "postgresql://127.0.0.1:1/none"})


@pytest.mark.parametrize(
    ("run", "arguments"),
    [
        (bench, ["--rounds", "0"]),
        (bench, ["--round", "-1"]),
        (bench, ["--sustained", "0"]),
        (bench, ["--per-second", "nan"]),
        (bench, ["--scale", "inf"]),
        (capacity_check, ["--per-second", "0"]),
        (load, ["--links", "0"]),
        (load, ["--duration", "-5"]),
        (backlog, ["--clicks", "0"]),
        (chaos, ["--rate", "0"]),
        (chaos, ["--duration", "-1"]),
        (seeded, ["--days", "0"]),
        (seeded, ["--clicks", "-1"]),
    ],
)
def test_an_impossible_amount_is_refused_before_anything_starts(
    run: Callable[[Sequence[str]], int],
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the usage's exit status, and the argument's name."""
    with pytest.raises(SystemExit) as ended:
        run(arguments)
    assert ended.value.code == USAGE
    assert arguments[0] in capsys.readouterr().err


@pytest.mark.parametrize("url", ["nonsense", "postgresql://127.0.0.1:1/none"])
def test_a_database_that_cannot_be_seeded_is_told_in_a_line(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback, whether the address is wrong or nobody is there."""
    assert seed(["--links", "1", "--clicks", "0"], {"DATABASE_URL": url}) == 1
    shown = capsys.readouterr()
    assert "seed: " in shown.out + shown.err
