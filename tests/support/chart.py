"""Line charts as SVG text, in the colours of the page that they are put into (page.css)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT = 1000, 150
LEFT, RIGHT, TOP, BOTTOM = 56, 8, 8, 22
MAX_TICKS = 12
STYLES = [
    f"{colour}{dashes}"
    for dashes in ("", " dashed", " dotted")
    for colour in ("first", "second", "third", "fourth", "fifth")
]
"""Of as many curves as anybody can tell apart: more than five colours nobody can."""

Points = Sequence[tuple[float, float | None]]


@dataclass(frozen=True, slots=True)
class Line:
    """A curve; `style` are its classes in the style sheet, and None in it is a gap."""

    label: str
    style: str
    points: Points


@dataclass(frozen=True, slots=True)
class Span:
    """The horizontal axis, from its first value to its last."""

    first: float
    last: float
    unit: str = ""

    def x(self, value: float) -> float:
        """Return where `value` is drawn; what lies outside is drawn at the edge."""
        inside = min(max(value, self.first), self.last) - self.first
        return LEFT + (WIDTH - LEFT - RIGHT) * inside / (self.last - self.first or 1)

    def ticks(self) -> Iterator[float]:
        """Yield the round values that are written under the chart."""
        step = _round_up((self.last - self.first or 1) / MAX_TICKS)
        for number in range(ceil(self.first / step), floor(self.last / step) + 1):
            yield number * step


def draw(
    title: str,
    lines: Sequence[Line],
    span: Span,
    *,
    is_logarithmic: bool = False,
    behind: Sequence[str] = (),
) -> str:
    """Draw one chart under its title; `behind` are SVG elements that the lines are drawn over."""
    known = [value for line in lines for _, value in line.points if value is not None]
    top = _round_up(max([*known, 1.0]))
    ticks = _powers(known, top) if is_logarithmic else [0, top / 2, top]
    lowest, top = ticks[0], ticks[-1]

    def y(value: float) -> float:
        share = value / top
        if is_logarithmic:
            share = log10(max(value, lowest) / lowest) / log10(top / lowest)
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - share)

    parts = list(behind)
    parts += [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}"'
        f' y2="{y(tick):.1f}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{y(tick) + 4:.1f}">{_figure(tick)}</text>'
        for tick in ticks
    ]
    parts += [
        f'<text class="time" x="{span.x(at):.1f}" y="{HEIGHT - 6}">{at:,.10g}'
        f"{escape(span.unit)}</text>"
        for at in span.ticks()
    ]
    for line in lines:
        for piece in _pieces(line.points):
            where = " ".join(f"{span.x(at):.1f},{y(value):.1f}" for at, value in piece)
            parts.append(f'<polyline class="{line.style}" points="{where}"/>')
    keys = "".join(f'<span class="key {line.style}">{escape(line.label)}</span>' for line in lines)
    return f"<h3>{escape(title)} {keys}</h3>" + svg(title, HEIGHT, parts)


def svg(title: str, height: float, parts: Sequence[str]) -> str:
    """Put elements into a drawing of the usual width."""
    inside = "\n".join(parts)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"\n{inside}\n</svg>"
    )


def _figure(tick: float) -> str:
    """Return a round value in figures that fit beside the chart."""
    return f"{tick / 1e6:,.10g} M" if tick >= 1e6 else f"{tick:,.10g}"


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


def _round_up(value: float) -> float:
    power: float = 10.0 ** floor(log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * (1 - 1e-9))


def _powers(known: Sequence[float], top: float) -> list[float]:
    lowest = min([1.0, *(value for value in known if value > 0)])
    return [10.0**power for power in range(floor(log10(lowest)), max(1, ceil(log10(top))) + 1)]
