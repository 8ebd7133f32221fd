"""How well visitors are counted."""

from random import Random

import pytest

from shared.visitor_sketch import MAX_EXACT, VisitorSketch


def dice(seed: int) -> Random:
    """Make a choice that can be repeated."""
    return Random(seed)  # noqa: S311


def sketch_of(random: Random, count: int) -> VisitorSketch:
    """Make a sketch of so many visitors, each added twice."""
    sketch = VisitorSketch()
    hashes = [random.getrandbits(64) for _ in range(count)]
    sketch.add(hashes)
    sketch.add(hashes)
    return sketch


@pytest.mark.parametrize("count", [0, 1, MAX_EXACT])
def test_few_are_counted_exactly(count: int) -> None:
    """Up to the limit nothing is estimated, also after a round through bytes."""
    sketch = sketch_of(dice(1), count)
    assert sketch.estimate() == count
    assert VisitorSketch(sketch.to_bytes()).estimate() == count


@pytest.mark.parametrize("count", [MAX_EXACT + 1, 500, 2_000, 7_000, 50_000])
def test_many_are_estimated_within_the_error(count: int) -> None:
    """The mean of twenty estimates is within 2 % and each within four standard errors."""
    random = dice(count)
    ratios = [sketch_of(random, count).estimate() / count for _ in range(20)]
    assert abs(sum(ratios) / len(ratios) - 1) < 0.02
    assert max(abs(ratio - 1) for ratio in ratios) < 4 * 0.023


@pytest.mark.parametrize("sizes", [(50, 60), (100, 100), (100, 3000), (3000, 100), (3000, 4000)])
def test_merging_is_adding(sizes: tuple[int, int]) -> None:
    """A merged sketch is the same as one to which all were added, in bytes too."""
    left, right, both = VisitorSketch(), VisitorSketch(), VisitorSketch()
    random = dice(7)
    for sketch, size in zip((left, right), sizes, strict=True):
        hashes = [random.getrandbits(64) for _ in range(size)]
        sketch.add(hashes)
        both.add(hashes)
    left.merge(VisitorSketch(right.to_bytes()))
    assert left.to_bytes() == both.to_bytes()
