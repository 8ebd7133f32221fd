"""The benchmark's report: one page that needs nothing else, and the same as JSON."""

import json
import re
from pathlib import Path

import pytest

from tests.bench.bench import Options
from tests.bench.findings import Bars, Chart, Figure, Findings
from tests.bench.outcome import Outcome
from tests.bench.report import write_report

NASTY = '<b title="x">&</b>'


def an_outcome() -> Outcome:
    """Make a section with a figure, a chart and bars, all of them named as nobody should."""
    return Outcome(
        name="saturation",
        took_s=12.3,
        findings=Findings(
            figures=[
                Figure(name=NASTY, value=2, unit=NASTY, goal=1, rounds=[1, 2, 3], note=NASTY)
            ],
            charts=[
                Chart(
                    title=NASTY, x_label=NASTY, y_label=NASTY, note=NASTY, is_logarithmic=True,
                    curves={NASTY: [(0, 0.5), (10, 100)], "other": [(0, 1)], "none": []},
                )
            ],
            bars=[
                Bars(title=NASTY, unit=NASTY, bars={NASTY: {NASTY: 1.5, "b": 2}, "x": {"b": 1}})
            ],
        ),
    )  # fmt: skip


def test_the_page_escapes_what_it_shows_and_asks_for_nothing(tmp_path: Path) -> None:
    """No name becomes markup, and there is no script and no address in the page."""
    page = write_report([an_outcome()], Options(), {"processor": NASTY}, tmp_path).read_text()
    assert "<b" not in page.replace("<body", "")
    assert page.count("&lt;b title=&quot;x&quot;&gt;&amp;&lt;/b&gt;") > 10
    assert not re.search(r"<script|<link|src=|href=|url\(|https?:", page)


def test_the_page_says_how_many_goals_are_met_and_what_is_broken(tmp_path: Path) -> None:
    """A broken section stands in the title, whatever goals were met."""
    met = Figure(name="a", value=1, unit="s", goal=1)
    sound = Outcome(name="one", took_s=1, findings=Findings(figures=[met]))
    broken = Outcome(name="two", took_s=1, error="OSError: <gone>")
    page = write_report([sound], Options(), {}, tmp_path).read_text()
    assert "1 of 1 goals met</span>" in page
    page = write_report([sound, broken], Options(), {}, tmp_path).read_text()
    assert "1 broken</span>" in page
    assert "OSError: &lt;gone&gt;" in page


@pytest.mark.parametrize(
    ("value", "error", "kind"), [(1, "", "good"), (2, "", "missed"), (2, "gone", "bad")]
)
def test_the_title_has_the_colour_of_its_worst_news(
    value: float, error: str, kind: str, tmp_path: Path
) -> None:
    """A missed goal is no good news, however many others are met."""
    figures = [
        Figure(name=name, value=of, unit="s", goal=1) for name, of in (("a", 1), ("b", value))
    ]
    outcome = Outcome(name="one", took_s=1, findings=Findings(figures=figures), error=error)
    page = write_report([outcome], Options(), {}, tmp_path).read_text()
    assert f'<h1>Benchmark: <span class="{kind}">' in page


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (0.3, ["0", "0.5", "1"]),
        (11_600, ["0", "10,000", "20,000"]),
        (1.5e8, ["0", "100 M", "200 M"]),
    ],
)
def test_values_beside_a_chart_are_written_as_people_write_them(
    highest: float, ticks: list[str], tmp_path: Path
) -> None:
    """No powers of ten: thousands have their comma, millions are told as such."""
    curves = {"all": [(0.0, 0.0), (10.0, highest)]}
    chart = Chart(title="t", x_label="x", y_label="y", curves=curves)
    outcome = Outcome(name="one", took_s=1, findings=Findings(figures=(), charts=[chart]))
    page = write_report([outcome], Options(), {}, tmp_path).read_text()
    assert re.findall(r'class="tick"[^>]*>([^<]*)<', page) == ticks


def test_no_two_curves_of_a_chart_look_alike(tmp_path: Path) -> None:
    """A dozen components are told apart in the lines and in their key, by classes that exist."""
    curves = {f"part {number}": [(0.0, 1.0), (1.0, 2.0)] for number in range(12)}
    chart = Chart(title="t", x_label="x", y_label="y", curves=curves)
    outcome = Outcome(name="one", took_s=1, findings=Findings(figures=(), charts=[chart]))
    page = write_report([outcome], Options(), {}, tmp_path).read_text()
    looks = re.findall(r'<polyline class="([^"]+)"', page)
    assert len(set(looks)) == 12
    assert re.findall(r'<span class="key ([^"]+)"', page) == looks
    for name in {name for look in looks for name in look.split()}:
        assert f"polyline.{name} {{" in page
        assert f".key.{name}" in page


def test_the_json_has_everything(tmp_path: Path) -> None:
    """Options, machine and, for each section, figures with their verdict and all curves."""
    write_report([an_outcome()], Options(rounds=2), {"processor": "x"}, tmp_path)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["machine"] == {"processor": "x"}
    assert report["options"]["rounds"] == 2
    (section,) = report["sections"]
    (figure,) = section["findings"]["figures"]
    assert (figure["name"], figure["is_met"], figure["rounds"]) == (NASTY, False, [1, 2, 3])
    assert section["findings"]["charts"][0]["curves"]["other"] == [[0, 1]]
    assert section["findings"]["bars"][0]["bars"]["x"] == {"b": 1}
