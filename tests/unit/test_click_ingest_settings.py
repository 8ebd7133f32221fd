"""Settings of a click-ingest worker."""

import pytest

from click_ingest.settings import Settings
from shared.settings import SettingsError, load

REQUIRED = {"DATABASE_URL": "postgresql://db/qck", "AMQP_URL": "amqp://mq"}


def test_the_defaults_are_those_of_the_design() -> None:
    """Addresses are enough; a batch is 5,000 clicks or a quarter of a second."""
    settings = load(Settings, REQUIRED)
    assert (settings.batch.max_clicks, settings.batch.max_age_ms) == (5000, 250)
    assert (settings.ingest.prefetch, settings.ingest.poison_share_limit) == (50, 0.1)
    assert (settings.click_partition.days_ahead, settings.click_retention_days) == (14, 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BATCH_MAX_CLICKS", "0"),
        ("BATCH_MAX_AGE_MS", "0"),
        ("INGEST_PREFETCH", "1"),
        ("INGEST_PREFETCH", "2001"),
        ("INGEST_POISON_SHARE_LIMIT", "0"),
        ("INGEST_POISON_SHARE_LIMIT", "1.5"),
        ("CLICK_PARTITION_DAYS_AHEAD", "1"),
        ("CLICK_RETENTION_DAYS", "-1"),
    ],
)
def test_values_without_sense_are_refused(name: str, value: str) -> None:
    """A value that could not work is named before anything starts."""
    with pytest.raises(SettingsError, match=name):
        load(Settings, {**REQUIRED, name: value})
