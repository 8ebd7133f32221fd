"""How a click is shown."""

from datetime import UTC, datetime

import pytest

from shortener.visit import OrphanVisit, Visit, VisitLocation, present_visit


def presented(moment: str = "2026-01-31T00:00:00+00:00", *, kind: str, country: str = "") -> Visit:
    """Show a click."""
    clicked_at = datetime.fromisoformat(moment).astimezone(UTC)
    return present_visit(
        (kind, "https://a.test/", clicked_at, "agent", country or None, False, "s.test/x", None)
    )


@pytest.mark.parametrize(
    "moment",
    ["2026-01-31T00:00:00+00:00", "2028-02-29T23:59:59.999999+00:00", "0999-12-01T09:08:07+00:00"],
)
def test_its_moment_is_told_to_the_second(moment: str) -> None:
    """In UTC, as ISO 8601 writes it, what is less than a second left out."""
    expected = datetime.fromisoformat(moment).isoformat(timespec="seconds")
    assert presented(moment, kind="link").date == expected


def test_a_country_is_shown_with_its_name() -> None:
    """One that nobody knows is its own name, and where it is not known there is no location."""
    assert presented(kind="link", country="DE").visit_location == VisitLocation("DE", "Germany")
    assert presented(kind="link", country="QX").visit_location == VisitLocation("QX", "QX")
    assert presented(kind="link").visit_location is None


def test_an_orphan_says_of_what_kind_it_is() -> None:
    """All others have no type."""
    orphan = presented(kind="regular_404")
    assert isinstance(orphan, OrphanVisit)
    assert orphan.type == "regular_404"
    assert not isinstance(presented(kind="link"), OrphanVisit)
