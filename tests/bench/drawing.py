"""The charts of a section as HTML: curves over an axis, and bars that are made of parts."""

from html import escape
from itertools import cycle

from tests.bench.findings import Bars, Chart
from tests.bench.rows import shown
from tests.support.chart import STYLES, Line, Span, draw

COLOURS = (
    "#0b68cb", "#e5484d", "#f76b15", "#46a758", "#8e4ec6", "#12a594", "#d6a100", "#d6409f",
    "#8d8d8d",
)  # fmt: skip


def draw_chart(chart: Chart) -> str:
    """Draw curves; their title says what is over what."""
    lines = [
        Line(name, style, points)
        for (name, points), style in zip(chart.curves.items(), cycle(STYLES), strict=False)
    ]
    at = [x for points in chart.curves.values() for x, _ in points] or [0.0]
    title = f"{chart.title}: {chart.y_label} over {chart.x_label}"
    drawn = draw(title, lines, Span(min(at), max(at)), is_logarithmic=chart.is_logarithmic)
    return drawn + _note(chart.note)


def draw_bars(bars: Bars) -> str:
    """Draw a bar for each thing, in HTML, so that the words stay readable on a phone."""
    longest = max((sum(parts.values()) for parts in bars.bars.values()), default=0) or 1
    names = list(dict.fromkeys(name for parts in bars.bars.values() for name in parts))
    colours = dict(zip(names, cycle(COLOURS), strict=False))
    keys = "".join(
        f'<span class="part" style="--part: {colours[name]}">{escape(name)}</span>'
        for name in names
    )
    drawn = []
    for title, parts in bars.bars.items():
        pieces = "".join(
            f'<span style="width: {100 * value / longest:.2f}%; background: {colours[name]}"'
            f' title="{escape(name)}: {shown(value)} {escape(bars.unit)}"></span>'
            for name, value in parts.items()
        )
        total = f"{shown(sum(parts.values()))} {escape(bars.unit)}"
        drawn.append(f'<p>{escape(title)}: {total}</p><div class="bar">{pieces}</div>')
    heads = "".join(f'<th class="number">{escape(name)}</th>' for name in names)
    cells = "".join(
        f"<tr><th>{escape(title)}</th>"
        + "".join(
            f'<td class="number">{shown(parts[name]) if name in parts else ""}</td>'
            for name in names
        )
        + "</tr>"
        for title, parts in bars.bars.items()
    )
    return (
        f"<h3>{escape(bars.title)}, {escape(bars.unit)}</h3><p>{keys}</p>{''.join(drawn)}"
        f'<div class="wide"><table><tr><th></th>{heads}</tr>{cells}</table></div>'
        + _note(bars.note)
    )


def _note(note: str) -> str:
    return f'<p class="dim">{escape(note)}</p>' if note else ""
