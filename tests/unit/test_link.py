"""What a link decides."""

import pytest

from shared.link import Link, Outcome, unknown_link
from tests.support.links import a_link


@pytest.mark.parametrize(
    ("link", "outcome"),
    [
        (a_link(), Outcome.REDIRECT),
        (unknown_link(3), Outcome.UNKNOWN),
        (a_link(valid_since_ms=101), Outcome.NOT_YET_VALID),
        (a_link(valid_since_ms=100, valid_until_ms=100), Outcome.REDIRECT),
        (a_link(valid_until_ms=99), Outcome.EXPIRED),
    ],
)
def test_decisions_at_100(link: Link, outcome: Outcome) -> None:
    """Validity is decided to the millisecond, with both ends inside."""
    assert link.decide(100) is outcome


def test_unknown_links_are_known_to_be_unknown() -> None:
    """Negative entries and tombstones are not links."""
    assert not unknown_link().is_known
    assert not unknown_link(5).is_known
    assert a_link().is_known
