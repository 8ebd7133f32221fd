"""The report of a load run: one page with charts that needs no other file, and JSON beside it."""

from collections.abc import Sequence
from html import escape
from itertools import cycle
from pathlib import Path

import msgspec

from tests.load.plan import ClientSide, Plan
from tests.load.service_side import Look
from tests.load.verdict import Goal
from tests.support.chart import STYLES, Line, Span, draw
from tests.support.page import STYLE

_WORDS = {True: ("good", "met"), False: ("bad", "missed"), None: ("dim", "not measured")}

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>qck load: {result}</title>
<style>
{style}
.charts, .wide {{ overflow-x: auto }}
svg {{ min-width: 36rem }}
</style>
<h1>Load, {profile}: <span class="{kind}">{result}</span></h1>
<p class="dim">{facts}</p>
<div class="wide"><table>
<tr><th>Target</th><th class="number">Measured</th><th class="number">Must be</th>
<th class="number">Room</th><th>Verdict</th></tr>
{rows}
</table></div>
<div class="charts">{charts}</div>
{failures}
</html>
"""


def write_report(
    plan: Plan, client: ClientSide, looks: Sequence[Look], goals: Sequence[Goal], folder: Path
) -> Path:
    """Write index.html and run.json into `folder`; return the page."""
    folder.mkdir(parents=True, exist_ok=True)
    summary = {
        "profile": plan.profile,
        "duration_s": plan.duration_s,
        "goals": goals,
        "client": client,
        "looks": looks,
    }
    (folder / "run.json").write_bytes(msgspec.json.format(msgspec.json.encode(summary)))
    page = folder / "index.html"
    page.write_text(_render(plan, client, looks, goals))
    return page


def _render(plan: Plan, client: ClientSide, looks: Sequence[Look], goals: Sequence[Goal]) -> str:
    missed = sum(goal.is_met is False for goal in goals)
    unmeasured = sum(goal.is_met is None for goal in goals)
    result = f"{missed} of {len(goals)} targets missed" if missed else "every target met"
    if unmeasured:
        result += f", {unmeasured} not measured"
    return _PAGE.format(
        style=STYLE,
        kind="bad" if missed else "good",
        result=result,
        profile=escape(plan.profile),
        facts=escape(
            f"{client.requests:,} requests in {plan.duration_s:g} s, {client.redirects:,} of them"
            f" redirects; p50 {client.redirect_ms.get('p50', 0):.1f} ms,"
            f" p99 {client.redirect_ms.get('p99', 0):.1f} ms,"
            f" max {client.redirect_ms.get('max', 0):.1f} ms"
        ),
        rows="\n".join(map(_row, goals)),
        charts="\n".join(_charts(client, looks)),
        failures=_failures(client),
    )


def _row(goal: Goal) -> str:
    kind, word = _WORDS[goal.is_met]
    numbers = "".join(
        f'<td class="number">{escape(text)}</td>' for text in (goal.figure, goal.must, goal.room)
    )
    return f'<tr><td>{escape(goal.name)}</td>{numbers}<td class="{kind}">{word}</td></tr>'


def _charts(client: ClientSide, looks: Sequence[Look]) -> list[str]:
    seconds = client.seconds
    span = Span(0, max([1, *(second.at for second in seconds)]), " s")
    answered = [each for each in seconds if each.redirect_p95_ms]
    charts = [
        draw(
            "Requests a second",
            [
                Line("asked", "first", [(each.at, each.requests) for each in seconds]),
                Line("failed", "second", [(each.at, each.failures) for each in seconds]),
            ],
            span,
        ),
        draw(
            "Redirects, milliseconds",
            [
                Line("p50", "first", [(each.at, each.redirect_p50_ms) for each in answered]),
                Line("p95", "fifth", [(each.at, each.redirect_p95_ms) for each in answered]),
            ],
            span,
            is_logarithmic=True,
        ),
    ]
    used = [(look.at, look.utilisation and 100 * look.utilisation) for look in looks]
    charts.append(draw("Fullest pool, per cent", [Line("in use", "first", used)], span))
    processes = sorted({name for look in looks for name in look.memory_bytes})
    memory = [
        Line(name, style, [(look.at, _mib(look.memory_bytes.get(name))) for look in looks])
        for name, style in zip(processes, cycle(STYLES), strict=False)
    ]
    connections = [
        Line("Redis", "first", [(look.at, look.redis_connections) for look in looks]),
        Line("PostgreSQL", "fourth", [(look.at, look.database_connections) for look in looks]),
    ]
    return [
        *charts,
        draw("Memory, MiB", memory, span),
        draw("Connections", connections, span),
    ]


def _mib(size_bytes: float | None) -> float | None:
    return None if size_bytes is None else size_bytes / 2**20


def _failures(client: ClientSide) -> str:
    if not client.failures:
        return ""
    rows = "".join(
        f'<tr><td>{escape(what)}</td><td class="number">{count:,}</td></tr>'
        for what, count in client.failures.items()
    )
    return f"<h2>What failed</h2><table>{rows}</table>"
