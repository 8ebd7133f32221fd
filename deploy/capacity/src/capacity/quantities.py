"""Numbers as people read them, and as limits are set."""

from math import ceil

MIB = 1024**2
GIB = 1024**3

_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB")


def number(value: float) -> str:
    """Return three digits of what is small, all of what is large."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def binary(count: float) -> str:
    """Return bytes in units of 1024, as limits and volumes are given."""
    return _scaled(count, 1024, _BINARY)


def decimal(count: float) -> str:
    """Return bytes in units of 1000, as disks are sold."""
    return _scaled(count, 1000, _DECIMAL)


def _scaled(count: float, step: int, units: tuple[str, ...]) -> str:
    index = 0
    while abs(count) >= step and index < len(units) - 1:
        count /= step
        index += 1
    return f"{count:.3g} {units[index]}"


def rounded_up(value: float, step: int) -> int:
    """Return the next whole multiple of a step."""
    return ceil(value / step) * step
