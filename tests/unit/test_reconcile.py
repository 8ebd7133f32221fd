"""What a reconciliation calls wrong."""

import pytest

from click_ingest.reconcile import differences, render

RIGHT = {
    "rows": 90, "by_hour": 90, "hours_that_differ": 0, "all_hours": 100, "total": 100,
    "ledger": 100, "missing": 0, "in_flight": 3, "deleted": 0,
    "asked_for": 0,
}  # fmt: skip


def test_what_adds_up_is_right() -> None:
    """Also when retention has dropped the oldest rows, whose counts stay."""
    assert differences(RIGHT) == []
    assert differences(RIGHT | {"asked_for": 4, "ledger": 104}) == []
    assert render(RIGHT).endswith("everything adds up")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"by_hour": 91}, ["90 rows, but 91"], id="rows"),
        pytest.param({"hours_that_differ": 2}, ["2 counts differ"], id="hours"),
        pytest.param({"total": 99, "ledger": 99}, ["100 counted by hour, but 99"], id="total"),
        pytest.param({"ledger": 101}, ["but 101 in the ledger"], id="ledger"),
        pytest.param({"asked_for": 1}, ["1 deleted through the API, but 100"], id="asked-for"),
        pytest.param({"missing": 7}, ["7 clicks that the broker had"], id="missing"),
        pytest.param({"rows": 89, "deleted": 1}, ["1 stored clicks were deleted"], id="deleted"),
    ],
)
def test_what_does_not_is_said(changes: dict[str, int], words: list[str]) -> None:
    """One sentence for each thing that is wrong."""
    found = differences(RIGHT | changes)
    assert len(found) == len(words)
    assert all(part in text for part, text in zip(words, found, strict=True))
