"""Reading the audit log: newest first, page by key."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.schema import audit_log
from shortener.transactions import read

_log = audit_log.c


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which entries; None for all."""

    before: int | None = None
    """The id below which the page begins."""
    items_per_page: int = 50
    short_code: str | None = None
    domain: str | None = None
    action: str | None = None
    api_key_name: str | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    """Inclusive, to the second."""


class AuditSearch:
    """Finds entries; raises `DatabaseUnavailableError` when PostgreSQL is away or too slow."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def find_page(self, query: AuditQuery) -> Sequence[Row[Any]]:
        """Return the entries of the page, and one more if there are any after it."""
        equal = {
            _log.short_code: query.short_code,
            _log.domain: query.domain,
            _log.action: query.action,
            _log.api_key_name: query.api_key_name,
        }
        conditions = [column == value for column, value in equal.items() if value is not None]
        if query.before is not None:
            conditions.append(_log.id < query.before)
        if query.start_date is not None:
            conditions.append(_log.occurred_at >= query.start_date)
        if query.end_date is not None:
            conditions.append(_log.occurred_at < query.end_date + timedelta(seconds=1))
        page = select(audit_log).where(*conditions).order_by(_log.id.desc())
        statement = page.limit(query.items_per_page + 1)
        return (await read(self._engine, lambda on: on.execute(statement))).all()
