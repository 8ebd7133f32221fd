"""The panels of all dashboards as one HTML page."""

from html import escape
from itertools import cycle, groupby
from math import isnan

from tests.dashboards.panels import Found, Panel
from tests.support.chart import STYLES, Line, Span, draw
from tests.support.page import STYLE

_SCALES = {
    "s": (1000, "ms"), "percentunit": (100, "%"), "bytes": (2**-20, "MiB"), "short": (1, "number"),
    "reqps": (1, "a second"), "cps": (1, "a second"), "ops": (1, "a second"),
}  # fmt: skip
"""Units as people read them, where Grafana has names of its own: the factor, and the words."""


def render(found: Found) -> str:
    """Return the page."""
    span = Span(0, found.last - found.first, " s")
    parts = []
    for dashboard, group in groupby(found.panels, lambda each: each[0]):
        parts.append(f"<h2>{escape(dashboard.title)}</h2>")
        parts += [_draw(panel, found.first, span) for _, panel in group]
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>qck dashboards</title>\n<style>\n{STYLE}</style>\n<h1>Dashboards</h1>\n"
        + "\n".join(parts)
        + "\n</html>\n"
    )


def _draw(panel: Panel, first: float, span: Span) -> str:
    if not panel.curves:
        return f'<h3>{escape(panel.title)} <span class="bad">nothing</span></h3>'
    factor, unit = _SCALES.get(panel.unit, (1, panel.unit))
    lines = [
        Line(
            legend,
            style,
            [(at - first, None if isnan(value) else value * factor) for at, value in points],
        )
        for (legend, points), style in zip(panel.curves.items(), cycle(STYLES), strict=False)
    ]
    return draw(f"{panel.title} ({unit})", lines, span)
