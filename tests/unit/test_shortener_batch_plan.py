"""How a batch is cut into transactions."""

from typing import Any

from shortener.link_batch import plan_batch
from shortener.short_url_body import ShortUrlCreation
from tests.support.creations import a_creation


def plan(*creations: ShortUrlCreation, chunk_size: int = 3) -> tuple[list[list[int]], Any]:
    """Return the chunks, and who shares whose answer."""
    cut = plan_batch(list(enumerate(creations)), chunk_size)
    return [list(chunk) for chunk in cut.chunks], cut.same_as


def test_in_order() -> None:
    """Items that have nothing to do with each other fill one chunk after the other."""
    assert plan(*[a_creation()] * 7) == ([[0, 1, 2], [3, 4, 5], [6]], {})


def test_nothing() -> None:
    """Without items there are no transactions."""
    assert plan() == ([], {})


def test_who_may_find_an_earlier_one_waits_for_it() -> None:
    """It goes into a later chunk than all that may be what it has to find."""
    seeking = a_creation(find_if_exists=True)
    limited = a_creation(find_if_exists=True, max_visits=4)
    chunks = [[0, 2], [1]]
    assert plan(a_creation(max_visits=3), seeking, limited)[0] == chunks


def test_equal_ones_share_an_answer() -> None:
    """However often the same is sought, it is looked for once."""
    seeking = a_creation(find_if_exists=True)
    assert plan(*[seeking] * 5) == ([[0]], {1: 0, 2: 0, 3: 0, 4: 0})


def test_of_two_with_one_slug_the_first_comes_first() -> None:
    """Also when the first has to wait."""
    first = a_creation(custom_slug="x", find_if_exists=True)
    assert plan(a_creation(custom_slug="x"), first, a_creation(custom_slug="x"))[0] == [
        [0],
        [1, 2],
    ]
