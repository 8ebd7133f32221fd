"""What a run of the backlog program prints and decides."""

from typing import Any

import pytest

from tests.resilience.backlog.compare import Outcome
from tests.resilience.backlog.figures import measured_rows, verdict_rows
from tests.resilience.backlog.record import Options, Run, Stretch
from tests.resilience.backlog.watch import WATCHED, Moment, ProcessorTime
from tests.support.verdict import Stored, judge
from tests.support.visit import Visit


def a_moment(at: float, stored: int, resident_mb: int) -> Moment:
    """Make a moment at which every process has so much memory."""
    return Moment(
        at=at,
        resident_bytes=dict.fromkeys(WATCHED, resident_mb * 1_000_000),
        processor_s=dict.fromkeys(WATCHED, ProcessorTime(at / 10, at / 2)),
        spool_bytes=1_000_000,
        spools=2,
        queued=7,
        stored=stored,
    )


def a_run(**changes: Any) -> Run:
    """Make a run of 1,000 clicks that took ten seconds, and two visits of 3 ms."""
    visits = [Visit(100.0 + number, "code", 302, 3.0, f"{number}") for number in range(2)]
    stored = Stored(
        request_ids=["0", "1"],
        **dict.fromkeys(("hourly", "total", "ledger"), 2),
        **dict.fromkeys(("rollup_differences", "dead_lettered", "ledger_holes"), 0),
    )
    verdict = judge(visits, links={"code"}, stored=stored, shed=0, is_excused=lambda _: False)
    stretch = Stretch(90, 100, [a_moment(95, 0, 80)], [])
    values = {
        "options": Options(1000, 10, 5),
        "calm": stretch,
        "away": stretch,
        "drain": Stretch(100, 110, [a_moment(100, 0, 81), a_moment(110, 1000, 90)], visits),
        "published_at": 105.0,
        "outcome": Outcome(verdict, 1000, 0, 0, 0),
    }
    return Run(**{**values, **changes})


def test_what_must_be_nought_is_named() -> None:
    """Losses and doubles of backlog and visits each have their row and what it must be."""
    rows = {name: (figure, must) for name, figure, must in verdict_rows(a_run())}
    assert rows["clicks in the backlog"] == ("1,000", "")
    assert rows["visits meanwhile"] == ("2", "")
    must_be_nought = [figure for figure, must in rows.values() if must == "0"]
    assert must_be_nought == ["0"] * 7


@pytest.mark.parametrize(
    ("name", "figure"),
    [
        ("drain", "10 s"),
        ("stored", "100 clicks/s"),
        ("published", "200 clicks/s"),
        ("longest queue", "7 messages"),
        ("memory of click-ingest", "80 → 90 MB"),
        ("redirect p50/p95/p99, drain", "3.0 / 3.0 / 3.0 ms"),
        ("redirect p50/p95/p99, calm", "? / ? / ? ms"),
        ("redirectors' processors, drain", "10% used, 50% waited for"),
        ("redirectors' processors, calm", "?"),
    ],
)
def test_figures_are_of_their_stretch(name: str, figure: str) -> None:
    """Rates are of the drain, memory is the peak of it beside that of the calm."""
    assert {row[0]: row[1] for row in measured_rows(a_run())}[name] == figure


def test_a_run_too_short_to_look_at_has_figures_too() -> None:
    """Nothing seen is nought."""
    unseen = Stretch(100, 100.2, [], [])
    rows = {row[0]: row[1] for row in measured_rows(a_run(calm=unseen, drain=unseen))}
    assert rows["memory of click-ingest"] == "0 → 0 MB"
    assert rows["longest queue"] == "0 messages"


def test_a_run_that_never_published_has_no_rate_for_it() -> None:
    """What did not happen is not in the table."""
    assert "published" not in {row[0] for row in measured_rows(a_run(published_at=None))}
