"""The micro-benchmark: that its cases run, and what it makes of their times."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.bench.micro.baseline import read_baseline, write_baseline
from tests.bench.micro.case import Case
from tests.bench.micro.catalogue import all_cases
from tests.bench.micro.comparison import compare
from tests.bench.micro.reference import reference
from tests.bench.micro.rounds import Times, measure


def a_case(name: str, seconds: float, each: int = 1) -> Case:
    """Make a case that says that it takes so long."""
    return Case(name, lambda times: times * seconds, each)


def test_every_case_runs(tmp_path: Path) -> None:
    """Each case does its work once without an error, and no two have the same name."""
    with ExitStack() as stack:
        cases = all_cases(tmp_path, stack)
        for case in cases:
            case.run(1)
    assert len({case.name for case in cases}) == len(cases) > 20


def test_the_reference_runs(tmp_path: Path) -> None:
    """The reference does its work, and begins its file anew each time."""
    with reference(tmp_path) as beside:
        beside.run(3)
        beside.run(2)
    assert (tmp_path / "reference").stat().st_size == 2 * 512


def test_times_are_those_of_one_click_and_of_the_reference() -> None:
    """A case of 32 at once counts a 32nd of its time; the multiple is of the reference beside."""
    times: dict[str, Times] = {}
    said: list[str] = []
    measure(
        [a_case("many", 0.032, each=32), a_case("one", 0.004)],
        a_case("reference", 0.002),
        rounds=3,
        times=times,
        progress=said.append,
    )
    assert said == ["many", "one"] * 3
    assert times["many"].min_us == pytest.approx(1000)
    assert times["many"].in_references == pytest.approx(0.5)
    assert times["one"].median_us == pytest.approx(4000)
    assert times["one"].in_references == pytest.approx(2)


def test_a_slower_machine_is_no_slower_function() -> None:
    """Where the reference takes as much longer as the case, the ratio stays 1."""
    times = {"case": Times(us=[30.0, 20.0], reference_us=[40.0, 50.0])}
    (comparison,) = compare(times, {"case": 0.5})
    assert comparison.ratio == pytest.approx(1)
    assert not comparison.is_slower(1.25)


def test_a_slower_function_is_marked() -> None:
    """Above the threshold a case is slower; without a baseline it never is."""
    times = {"case": Times([26.0], [10.0]), "new": Times([26.0], [10.0])}
    case, new = compare(times, {"case": 2.0})
    assert (case.is_slower(1.25), case.is_slower(1.35)) == (True, False)
    assert (new.ratio, new.is_slower(1.25)) == (None, False)


def test_a_baseline_is_kept_for_each_python(tmp_path: Path) -> None:
    """Storing one version's times leaves those of another as they are."""
    file = tmp_path / "baseline.json"
    assert read_baseline(file, "3.11") == {}
    write_baseline({"a": Times([1.0], [2.0]), "b": Times([3.0], [2.0])}, file, "3.11")
    write_baseline({"a": Times([4.0], [2.0])}, file, "3.13")
    write_baseline({"a": Times([2.0], [2.0])}, file, "3.11", keep=True)
    assert read_baseline(file, "3.11") == {"a": 1.0, "b": 1.5}
    assert read_baseline(file, "3.13") == {"a": 2.0}
