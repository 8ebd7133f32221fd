"""The report of a run: JSON for machines, and one page without any other file for people."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import msgspec

from tests.bench.bench import Options
from tests.bench.drawing import draw_bars, draw_chart
from tests.bench.outcome import Outcome
from tests.bench.rows import Row, create_rows
from tests.support.page import STYLE

_CLASSES = {"met": "good", "missed": "missed", "broken": "bad"}


def write_report(
    outcomes: Sequence[Outcome], options: Options, machine: Mapping[str, str], folder: Path
) -> Path:
    """Write report.json and report.html into `folder`; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    summary = {
        "machine": machine,
        "options": asdict(options),
        "sections": [_section(outcome) for outcome in outcomes],
    }
    (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(summary)))
    page = folder / "report.html"
    page.write_text(render_page(outcomes, options, machine))
    return page


def render_page(outcomes: Sequence[Outcome], options: Options, machine: Mapping[str, str]) -> str:
    """Return the page: it asks no other host for anything and follows light and dark."""
    verdicts = [row.verdict for row in create_rows(outcomes)]
    return Template(Path(__file__).with_name("page.html").read_text()).substitute(
        style=STYLE,
        **{"class": _CLASSES[_worst(verdicts)]},
        result=_result(verdicts),
        rows="\n".join(_group(outcome) for outcome in outcomes),
        sections="\n".join(_charts(outcome) for outcome in outcomes),
        machine="\n".join(
            f"<tr><th>{escape(name)}</th><td>{escape(fact)}</td></tr>"
            for name, fact in machine.items()
        ),
        facts=escape(
            f"Rounds of {options.round_s:g} s: {options.rounds}. Data at scale {options.scale:g},"
            f" seed {options.seed}. A figure of several rounds is their median; a ratio is the"
            " median of the ratios within each round."
        ),
    )


def _result(verdicts: Sequence[str]) -> str:
    if broken := verdicts.count("broken"):
        return f"{broken} broken"
    met = verdicts.count("met")
    return f"{met} of {met + verdicts.count('missed')} goals met"


def _worst(verdicts: Sequence[str]) -> str:
    return next((each for each in ("broken", "missed") if each in verdicts), "met")


def _group(outcome: Outcome) -> str:
    head = f'<tr><th colspan="4">{escape(outcome.name)}</th></tr>'
    return "\n".join((head, *(_row(row) for row in create_rows([outcome]))))


def _row(row: Row) -> str:
    rounds = f"Rounds: {row.rounds}. " if row.rounds else ""
    note = f'<p class="dim">{escape(rounds + row.note)}</p>' if rounds or row.note else ""
    return (
        f"<tr><td>{escape(row.name)}{note}</td>"
        f'<td class="number">{escape(row.goal)}</td><td class="number">{escape(row.figure)}</td>'
        f'<td class="{_CLASSES.get(row.verdict, "")}">{row.verdict}</td></tr>'
    )


def _charts(outcome: Outcome) -> str:
    drawn = [
        *(draw_bars(bars) for bars in outcome.findings.bars),
        *(draw_chart(chart) for chart in outcome.findings.charts),
    ]
    took = f'<p class="dim">took {outcome.took_s:,.0f} s</p>'
    return f"<h2>{escape(outcome.name)}</h2>{took}" + "\n".join(drawn)


def _section(outcome: Outcome) -> dict[str, Any]:
    figures = [{**asdict(figure), "is_met": figure.is_met} for figure in outcome.findings.figures]
    return {**asdict(outcome), "findings": {**asdict(outcome.findings), "figures": figures}}
