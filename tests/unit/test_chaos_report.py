"""The report of chaos runs: one page that needs nothing else, and the same as JSON."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.resilience.chaos.chart import draw
from tests.resilience.chaos.fault import Action, Episode, Fault
from tests.resilience.chaos.report import write_report
from tests.resilience.chaos.run import Options, Run
from tests.resilience.chaos.series import create_series, percentile
from tests.support.chart import Line
from tests.support.observe import Sample
from tests.support.verdict import Stored, judge
from tests.support.visit import Visit

BEGAN_AT = 1_700_000_000.0


def a_run(*, lost: int = 0) -> Run:
    """Make a run of twenty seconds with one fault, of which this many clicks were lost."""
    visits = [
        Visit(BEGAN_AT + number / 10, "code", 302, 1.0 + number % 7, f"id-{number}")
        for number in range(200)
    ]
    ids = [visit.request_id for visit in visits[lost:]]
    stored = Stored(
        request_ids=ids, hourly=len(ids), total=len(ids), ledger=len(ids),
        rollup_differences=0, dead_lettered=0, ledger_holes=0,
    )  # fmt: skip
    return Run(
        options=Options(seed=7, duration_s=20, per_second=10),
        began_at=BEGAN_AT,
        ended_at=BEGAN_AT + 20,
        episodes=[
            Episode(Fault("redis", Action.STOP, 5, 4), BEGAN_AT + 5, BEGAN_AT + 9.5),
            Episode(Fault("rabbitmq", Action.KILL, 12, 0), BEGAN_AT + 12, BEGAN_AT + 19, "<gone>"),
        ],
        not_run=["spool-disk: not allowed here"],
        visits=visits,
        samples=[Sample(BEGAN_AT + at, 1024.0 * at, None, at, 0.2) for at in range(20)],
        links_created=3,
        links_refused=1,
        verdict=judge(visits, links={"code"}, stored=stored, shed=0, is_excused=lambda _: False),
    )


class Outline(HTMLParser):
    """Collects tags and what they refer to."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take down a tag."""
        self.tags.append(tag)
        self.references += [text or "" for name, text in attrs if name in ("src", "href")]


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    """No script, no image, no style sheet and no address of another host."""
    page = write_report(a_run(), tmp_path).read_text()
    outline = Outline()
    outline.feed(page)
    assert not {"script", "link", "img", "iframe"} & set(outline.tags)
    assert outline.references == []
    assert not re.search(r"https?://|url\(|@import", page)


def test_the_page_shows_curves_and_faults(tmp_path: Path) -> None:
    """Five charts under one strip of labels, each with a band for each fault."""
    page = write_report(a_run(), tmp_path).read_text()
    assert page.count("<svg") == 6
    assert page.count('<rect class="band redis"') == 5
    assert "redis: stop for 4 s" in page
    assert "prefers-color-scheme: dark" in page


def test_the_page_escapes_what_it_quotes(tmp_path: Path) -> None:
    """What a server said cannot become part of the page."""
    page = write_report(a_run(), tmp_path).read_text()
    assert "&lt;gone&gt;" in page
    assert "<gone>" not in page


def test_the_page_says_what_was_not_run(tmp_path: Path) -> None:
    """A fault that the machine does not allow is never shown as passed."""
    assert "spool-disk: not allowed here" in write_report(a_run(), tmp_path).read_text()


@pytest.mark.parametrize(("lost", "result"), [(0, "passed"), (3, "failed")])
def test_page_and_json_tell_the_verdict(tmp_path: Path, lost: int, result: str) -> None:
    """Both have the same figures, and a run that lost clicks has failed in both."""
    page = write_report(a_run(lost=lost), tmp_path).read_text()
    summary = json.loads((tmp_path / "run.json").read_text())
    assert f">{result}</span>" in page
    assert summary["passed"] is (lost == 0)
    assert summary["verdict"]["lost"] == lost
    assert summary["options"] == {"seed": 7, "duration_s": 20, "per_second": 10}
    assert len(summary["series"]["redirects"]) == 20


def test_visits_are_sorted_into_seconds() -> None:
    """A second has the visits that were due in it; those outside of the run are left out."""
    visits = [
        Visit(BEGAN_AT - 1, "early", 302, 1.0, "a"),
        Visit(BEGAN_AT + 0.2, "code", 302, 4.0, "b"),
        Visit(BEGAN_AT + 0.9, "code", 503, 2.0, "c"),
    ]
    series = create_series(visits, [], began_at=BEGAN_AT, ended_at=BEGAN_AT + 2)
    assert series.redirects == [(0, 1), (1, 0)]
    assert series.failures == [(0, 1), (1, 0)]
    assert series.latency_p50_ms == [(0, 2.0), (1, None)]


def test_percentiles_are_values_that_were_seen() -> None:
    """The 99th of a hundred is the last but one; of nothing there is none."""
    ordered = [float(number) for number in range(1, 101)]
    assert percentile(ordered, 0.99) == 99.0
    assert percentile(ordered[:1], 0.99) == 1.0
    assert percentile([], 0.5) is None


def test_a_missing_value_is_a_gap() -> None:
    """A moment without an answer cuts the line instead of drawing zero."""
    line = Line("queue", "first", [(0, 1), (1, 2), (2, None), (3, 4)])
    assert draw("Queue", [line], [], 4).count("<polyline") == 2
