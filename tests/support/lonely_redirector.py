"""A redirector all of whose servers are away: it has its spool, and nothing else."""

from pathlib import Path

from starlette.applications import Starlette

from redirector.app import create_app
from redirector.settings import Settings
from shared.settings import load

_NOBODY = "127.0.0.1:1"


def lonely_redirector(spool: Path, **variables: str) -> Starlette:
    """Make its application."""
    return create_app(
        load(
            Settings,
            {
                "DATABASE_URL": f"postgresql://x:x@{_NOBODY}/x",
                "REDIS_URL": f"redis://{_NOBODY}",
                "AMQP_URL": f"amqp://x:x@{_NOBODY}/",
                "SPOOL_DIR": str(spool),
                "DEFAULT_DOMAIN": "go.test",
                "VISITOR_HASH_KEY": "k" * 32,
                **variables,
            },
        )
    )
