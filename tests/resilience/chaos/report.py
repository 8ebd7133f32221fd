"""The report of a run: JSON for machines, and one page without any other file for people."""

import time
from dataclasses import asdict
from html import escape
from pathlib import Path
from string import Template

import msgspec

from tests.resilience.chaos.chart import Band, draw, draw_labels
from tests.resilience.chaos.run import Run
from tests.resilience.chaos.schedule import ACTIONS
from tests.resilience.chaos.series import Series, create_series
from tests.support.chart import Line
from tests.support.page import STYLE
from tests.support.verdict import Verdict

COLOURS = (
    "#e5484d", "#f76b15", "#d6a100", "#46a758", "#12a594", "#0090ff", "#6e56cf", "#d6409f",
    "#8d8d8d",
)  # fmt: skip


def write_report(run: Run, folder: Path) -> Path:
    """Write run.json and index.html into `folder`; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    series = create_series(run.visits, run.samples, began_at=run.began_at, ended_at=run.ended_at)
    (folder / "run.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(_summary(run, series)))
    )
    page = folder / "index.html"
    page.write_text(render_page(run, series))
    return page


def verdict_rows(verdict: Verdict) -> list[tuple[str, int, str]]:
    """Return what was measured, how much it is, and what it must be ("" for anything)."""
    return [
        ("visits", verdict.visits, ""),
        ("redirects answered", verdict.redirects, ""),
        ("unknown codes answered", verdict.not_found, ""),
        ("clicks lost", verdict.lost, "0"),
        ("clicks counted twice", verdict.doubled, "0"),
        ("failed visits", verdict.failed, "0"),
        ("503: not cached, and PostgreSQL away", verdict.excused, ""),
        ("answered clicks without a row", verdict.missing, f"{verdict.shed}"),
        ("clicks counted as shed by the full disk", verdict.shed, ""),
        ("rows", verdict.rows, ""),
        ("clicks by hour", verdict.hourly, f"{verdict.rows}"),
        ("clicks in total", verdict.total, f"{verdict.rows}"),
        ("clicks in the ledger", verdict.ledger, f"{verdict.rows}"),
    ]


def render_page(run: Run, series: Series) -> str:
    """Return the page: it asks no other host for anything and follows light and dark."""
    verdict = run.verdict
    bands = [
        Band(
            episode.began_at - run.began_at,
            episode.well_at - run.began_at,
            episode.fault.component,
            str(episode.fault),
        )
        for episode in run.episodes
    ]
    return Template(Path(__file__).with_name("page.html").read_text()).substitute(
        title=f"qck chaos run, seed {run.options.seed}",
        seed=run.options.seed,
        style=STYLE,
        result="passed" if verdict.passed else "failed",
        facts=escape(_facts(run)),
        findings="".join(f'<p class="bad">{escape(text)}</p>' for text in verdict.findings),
        verdict="\n".join(_verdict_row(*row) for row in verdict_rows(verdict)),
        charts=_charts(series, bands, run.ended_at - run.began_at),
        faults=_fault_rows(run),
        notes=_notes(run),
        colours="\n".join(
            f".{name} {{ fill: {colour} }}" for name, colour in zip(ACTIONS, COLOURS, strict=True)
        ),
        **{"class": "good" if verdict.passed else "bad"},
    )


def _charts(series: Series, bands: list[Band], lasts_s: float) -> str:
    charts = (
        draw(
            "Visits a second",
            [
                Line("redirected", "first", series.redirects),
                Line("without an answer as expected", "second", series.failures),
            ],
            bands,
            lasts_s,
        ),
        draw(
            "Latency from the moment a visit was due, ms",
            [
                Line("half of the visits", "third", series.latency_p50_ms),
                Line("99 of 100", "first", series.latency_p99_ms),
            ],
            bands,
            lasts_s,
            is_logarithmic=True,
        ),
        draw("Spools, KiB", [Line("unconfirmed", "first", series.spool_kib)], bands, lasts_s),
        draw("Queue, messages", [Line("ready", "first", series.queued)], bands, lasts_s),
        draw(
            "Age of the newest stored click, s",
            [Line("lag", "first", series.lag_s)],
            bands,
            lasts_s,
        ),
    )
    return "\n".join((draw_labels(bands, lasts_s), *charts))


def _verdict_row(name: str, figure: int, wanted: str) -> str:
    style = "" if not wanted else " good" if str(figure) == wanted else " bad"
    shown = f"{int(wanted):,}" if wanted else ""
    return (
        f'<tr><td>{escape(name)}</td><td class="number{style}">{figure:,}</td>'
        f"<td>{shown}</td></tr>"
    )


def _fault_rows(run: Run) -> str:
    return "\n".join(
        f'<tr><td class="number">{episode.began_at - run.began_at:.1f} s</td>'
        f"<td>{escape(str(episode.fault))}</td>"
        f'<td class="number">{episode.well_at - episode.began_at:.1f} s</td>'
        f'<td class="bad">{escape(episode.problem)}</td></tr>'
        for episode in run.episodes
    )


def _notes(run: Run) -> str:
    parts = []
    for title, lines in (
        ("Not run", run.not_run),
        ("Failed visits, for example", run.verdict.failures),
        ("Lost clicks, for example", run.verdict.losses),
    ):
        if lines:
            items = "".join(f"<li>{escape(line)}</li>" for line in lines)
            parts.append(f"<h2>{title}</h2><ul>{items}</ul>")
    return "".join(parts)


def _facts(run: Run) -> str:
    options = run.options
    began = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(run.began_at))
    return (
        f"{began}; {options.duration_s:.0f} s of faults at {options.per_second:.0f} visits a"
        f" second; {len(run.episodes)} faults; meanwhile {run.links_created} links were made,"
        f" and {run.links_refused} attempts to make one were refused."
    )


def _summary(run: Run, series: Series) -> dict[str, object]:
    return {
        "options": asdict(run.options),
        "began_at": run.began_at,
        "ended_at": run.ended_at,
        "passed": run.verdict.passed,
        "verdict": asdict(run.verdict),
        "episodes": [asdict(episode) for episode in run.episodes],
        "not_run": run.not_run,
        "links_created": run.links_created,
        "links_refused": run.links_refused,
        "series": msgspec.to_builtins(series),
    }
