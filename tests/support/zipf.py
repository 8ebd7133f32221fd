"""Zipf's law: of the things in order of popularity, the one of rank r has a share of 1 / r."""

from random import Random


def draw_rank(random: Random, count: int) -> int:
    """Draw a rank from 1 to `count`."""
    # The rank's logarithm is evenly spread.
    return min(count, int((count + 1) ** random.random()))
