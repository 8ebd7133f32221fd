"""Days as ranges of ids."""

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest

from click_ingest.partitions import horizon, partition_day, partition_name, statements_for
from shared.click_id import click_id, first_id_at

DAY = date(2026, 3, 29)
NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)


def test_a_name_and_its_day() -> None:
    """The name has the day, and the day is read from the name."""
    assert partition_name(DAY) == "clicks_20260329"
    assert partition_day("clicks_20260329") == DAY


@pytest.mark.parametrize(
    "name", ["clicks", "clicks_archive", "clicks_2026032", "clicks_20260329_old"]
)
def test_other_tables_have_no_day(name: str) -> None:
    """Tables that people made are left alone."""
    assert partition_day(name) is None


@pytest.mark.parametrize(
    ("moment", "is_inside"),
    [
        (datetime(2026, 3, 28, 23, 59, 59, 999000, UTC), False),
        (datetime(2026, 3, 29, tzinfo=UTC), True),
        (datetime(2026, 3, 29, 23, 59, 59, 999000, UTC), True),
        (datetime(2026, 3, 30, tzinfo=UTC), False),
    ],
    ids=str,
)
@pytest.mark.parametrize("request_id", [0, 2**128 - 1], ids=["lowest", "highest"])
def test_bounds_are_midnights_in_utc(moment: datetime, is_inside: bool, request_id: int) -> None:
    """The first and the last id of the day are inside, their neighbours are not."""
    click = uuid.UUID(click_id(round(moment.timestamp() * 1000), request_id))
    first = first_id_at(datetime(2026, 3, 29, tzinfo=UTC))
    beyond = first_id_at(datetime(2026, 3, 30, tzinfo=UTC))
    assert (first <= click < beyond) is is_inside
    attach = next(statement for statement in statements_for(DAY) if "ATTACH" in statement)
    assert f"FROM ('{first}') TO ('{beyond}')" in attach


def test_partitions_are_attached_not_made_in_place() -> None:
    """Making a partition in place would lock everybody out of clicks."""
    assert not [statement for statement in statements_for(DAY) if "PARTITION OF" in statement]


@pytest.mark.parametrize(
    ("offsets", "hours"),
    [
        ([], 0),
        ([0], 12),
        ([-1, 0, 1], 36),
        ([0, 2, 3], 12),
        ([1, 2], 0),
    ],
    ids=["none", "today", "tomorrow", "a gap", "today is missing"],
)
def test_the_horizon_ends_at_the_first_gap(offsets: list[int], hours: int) -> None:
    """What lies behind a missing day is of no use before that day is made."""
    days = [DAY + timedelta(days=offset) for offset in offsets]
    assert horizon(days, NOON) == timedelta(hours=hours)
