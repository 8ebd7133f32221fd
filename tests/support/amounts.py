"""Amounts on the command line of a run: what cannot be run is refused before anything starts."""

from argparse import ArgumentTypeError
from math import isfinite


def whole(text: str) -> int:
    """Read a number of things; none will do.

    Raises:
        ArgumentTypeError: it is negative.
    """
    number = int(text)
    if number < 0:
        raise ArgumentTypeError(f"{text} is less than none")
    return number


def some(text: str) -> int:
    """Read a number of things of which there has to be one.

    Raises:
        ArgumentTypeError: it is none or negative.
    """
    if (number := whole(text)) == 0:
        raise ArgumentTypeError("at least 1 is needed")
    return number


def positive(text: str) -> float:
    """Read seconds, a rate or a share.

    Raises:
        ArgumentTypeError: it is not above 0, or endless.
    """
    number = float(text)
    if not (number > 0 and isfinite(number)):
        raise ArgumentTypeError(f"{text} is not a number above 0")
    return number
