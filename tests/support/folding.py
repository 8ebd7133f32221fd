"""Counts that the shortener brings up to date after a moment, without waiting for it."""

from prometheus_client import CollectorRegistry

from shared.db.engine import create_engine
from shared.metrics import ShortenerMetrics
from shared.settings import Secret
from shortener.count_folding import CountFolding
from tests.support.database import fetch


async def fold(database_url: str) -> None:
    """Bring the counts up to date, as the shortener does twice a second."""
    engine = create_engine(
        Secret(database_url), application_name="tests", pool_size=1, statement_timeout_s=5
    )
    folding = CountFolding(engine, ShortenerMetrics(CollectorRegistry()), share=0.5)
    # The shortener's own may hold the lock just now, so that this one leaves it to it.
    while await fetch(
        database_url, "SELECT FROM link_visit_changes UNION ALL SELECT FROM link_tag_changes"
    ):
        await folding.step()
    await engine.dispose()
