"""Which links are visited: by Zipf's law with exponent 1, from a real source of randomness."""

from collections.abc import Iterator
from random import Random

from tests.support.zipf import draw_rank

# A prime larger than any number of links: counting in steps of it reaches each link once, so that
# popular links are spread over the table as they are in life, and not the oldest ones.
_STEP = 2_654_435_761


def popular_link(rank: int, links: int) -> int:
    """Return the number of the link that has a rank, 0 being the most popular."""
    return rank * _STEP % links


def draw_links(random: Random, links: int, count: int) -> Iterator[int]:
    """Yield the numbers of as many links as `count`."""
    for _ in range(count):
        yield popular_link(draw_rank(random, links) - 1, links)
