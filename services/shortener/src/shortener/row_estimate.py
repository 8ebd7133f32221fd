"""How many rows PostgreSQL expects: what it takes no reading of rows to say."""

from typing import Any

from sqlalchemy import ClauseElement, Executable, Select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler


class _Explain(Executable, ClauseElement):
    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(_Explain, "postgresql")
def _compile(element: _Explain, compiler: SQLCompiler, **options: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(element.statement, **options)}"


async def estimate_rows(connection: AsyncConnection, statement: Select[Any]) -> int:
    """Return about how many rows the statement would give; its statistics may be far out."""
    found = await connection.execute(_Explain(statement))
    (plan,) = found.scalar_one()
    return int(plan["Plan"]["Plan Rows"])
