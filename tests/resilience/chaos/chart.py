"""Line charts as SVG text, with the faults as coloured bands behind the lines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, log10

from tests.resilience.chaos.series import Points

WIDTH, HEIGHT = 1000, 150
LEFT, RIGHT, TOP, BOTTOM = 56, 8, 8, 22
LABEL_HEIGHT, LABEL_APART = 132, 11
MIN_BAND = 2.0


@dataclass(frozen=True, slots=True)
class Band:
    """A fault's time, in seconds since the beginning."""

    begin_s: float
    end_s: float
    component: str
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """A curve; `style` is its class in the page's style sheet."""

    label: str
    style: str
    points: Points


def draw_labels(bands: Sequence[Band], lasts_s: float) -> str:
    """Draw the names of the faults, upright and never over each other, above their bands."""
    texts, free = [], 0.0
    for band in sorted(bands, key=lambda band: band.begin_s):
        x = max(_x(band.begin_s, lasts_s) + 8, free)
        free = x + LABEL_APART
        texts.append(
            f'<text class="label {escape(band.component)}"'
            f' transform="translate({x:.1f} {LABEL_HEIGHT - 4}) rotate(-90)">'
            f"{escape(band.label)}</text>"
        )
    return _svg("the faults", LABEL_HEIGHT, texts)


def draw(
    title: str,
    lines: Sequence[Line],
    bands: Sequence[Band],
    lasts_s: float,
    *,
    is_logarithmic: bool = False,
) -> str:
    """Draw one chart over the whole run; a gap in a line is a moment without an answer."""
    known = [value for line in lines for _, value in line.points if value is not None]
    top = _round_up(max([*known, 1.0]))
    parts = list(_bands(bands, lasts_s))
    ticks = _powers(top) if is_logarithmic else [0, top / 2, top]
    top = ticks[-1]

    def y(value: float) -> float:
        share = log10(max(value, 1)) / log10(top) if is_logarithmic else value / top
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - share)

    parts += [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}"'
        f' y2="{y(tick):.1f}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{y(tick) + 4:.1f}">{tick:,.4g}</text>'
        for tick in ticks
    ]
    step_s = next((step for step in (5, 10, 30, 60, 120, 300) if lasts_s / step <= 12), 600)
    parts += [
        f'<text class="time" x="{_x(at, lasts_s):.1f}" y="{HEIGHT - 6}">{at} s</text>'
        for at in range(0, int(lasts_s) + 1, step_s)
    ]
    for line in lines:
        for piece in _pieces(line.points):
            where = " ".join(f"{_x(at, lasts_s):.1f},{y(value):.1f}" for at, value in piece)
            parts.append(f'<polyline class="{line.style}" points="{where}"/>')
    keys = "".join(f'<span class="key {line.style}">{escape(line.label)}</span>' for line in lines)
    return f"<h3>{escape(title)} {keys}</h3>" + _svg(title, HEIGHT, parts)


def _bands(bands: Sequence[Band], lasts_s: float) -> Iterator[str]:
    for band in bands:
        x = _x(band.begin_s, lasts_s)
        width = max(MIN_BAND, _x(band.end_s, lasts_s) - x)
        yield (
            f'<rect class="band {escape(band.component)}" x="{x:.1f}" y="{TOP}"'
            f' width="{width:.1f}" height="{HEIGHT - TOP - BOTTOM}">'
            f"<title>{escape(band.label)}</title></rect>"
        )


def _pieces(points: Points) -> Iterator[list[tuple[float, float]]]:
    """Cut a curve where a value is missing."""
    piece: list[tuple[float, float]] = []
    for at, value in points:
        if value is not None:
            piece.append((at, value))
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def _x(at: float, lasts_s: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * min(max(at, 0), lasts_s) / lasts_s


def _round_up(value: float) -> float:
    power: float = 10.0 ** int(log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def _powers(top: float) -> list[float]:
    return [10.0**power for power in range(max(1, ceil(log10(top))) + 1)]


def _svg(title: str, height: int, parts: Sequence[str]) -> str:
    inside = "\n".join(parts)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"\n{inside}\n</svg>"
    )
