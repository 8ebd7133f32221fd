"""Keys of the API with limits, made without the command line."""

from datetime import datetime

from shared.db.engine import create_engine
from shared.settings import Secret
from shortener.api_keys import ApiKeys
from shortener.key_roles import Role


async def a_key(
    database_url: str,
    name: str,
    *roles: str,
    domain: str | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Make a key and return it."""
    engine = create_engine(
        Secret(database_url), application_name="tests", pool_size=1, statement_timeout_s=5
    )
    try:
        limits = [Role(role) for role in roles]
        key = await ApiKeys(engine).create(
            name, roles=limits, domain=domain, expires_at=expires_at
        )
        return key.reveal()
    finally:
        await engine.dispose()
