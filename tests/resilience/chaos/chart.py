"""The charts of a run: lines over its seconds, with the faults as coloured bands behind them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from tests.support import chart
from tests.support.chart import BOTTOM, HEIGHT, TOP, Line, Span, svg

LABEL_HEIGHT, LABEL_APART = 132, 11
MIN_BAND = 2.0


@dataclass(frozen=True, slots=True)
class Band:
    """A fault's time, in seconds since the beginning."""

    begin_s: float
    end_s: float
    component: str
    label: str


def draw_labels(bands: Sequence[Band], lasts_s: float) -> str:
    """Draw the names of the faults, upright and never over each other, above their bands."""
    texts, free, span = [], 0.0, Span(0, lasts_s)
    for band in sorted(bands, key=lambda band: band.begin_s):
        x = max(span.x(band.begin_s) + 8, free)
        free = x + LABEL_APART
        texts.append(
            f'<text class="label {escape(band.component)}"'
            f' transform="translate({x:.1f} {LABEL_HEIGHT - 4}) rotate(-90)">'
            f"{escape(band.label)}</text>"
        )
    return svg("the faults", LABEL_HEIGHT, texts)


def draw(
    title: str,
    lines: Sequence[Line],
    bands: Sequence[Band],
    lasts_s: float,
    *,
    is_logarithmic: bool = False,
) -> str:
    """Draw one chart over the whole run; a gap in a line is a moment without an answer."""
    span = Span(0, lasts_s, " s")
    behind = list(_drawn(bands, span))
    return chart.draw(title, lines, span, is_logarithmic=is_logarithmic, behind=behind)


def _drawn(bands: Sequence[Band], span: Span) -> Iterator[str]:
    for band in bands:
        x = span.x(band.begin_s)
        width = max(MIN_BAND, span.x(band.end_s) - x)
        yield (
            f'<rect class="band {escape(band.component)}" x="{x:.1f}" y="{TOP}"'
            f' width="{width:.1f}" height="{HEIGHT - TOP - BOTTOM}">'
            f"<title>{escape(band.label)}</title></rect>"
        )
