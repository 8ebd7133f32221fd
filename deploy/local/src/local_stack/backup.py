"""A backup of the one truth: the database as of one moment, what it counts, and the settings.

Redis is a cache. Spools and RabbitMQ hold clicks that are on their way: they live on over a
restore, and what the backup has of them too is known again by its id.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from local_stack.database_tools import DatabaseTools
from local_stack.errors import StackError
from local_stack.home import write_private
from local_stack.stack import Stack

DUMP, MANIFEST, SETTINGS = "database.dump", "manifest.json", "settings.env"

COUNTS = """
SELECT json_build_object(
    'links', (SELECT count(*) FROM links),
    'clicks', (SELECT count(*) FROM clicks),
    'counted', (SELECT coalesce(sum(clicks), 0)::bigint FROM click_counts_total),
    'ledger', (SELECT coalesce(sum(stored), 0)::bigint FROM click_sources)
)
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a database has: `clicks` are rows, the other two what rollups and ledger say."""

    links: int
    clicks: int
    counted: int
    ledger: int

    @classmethod
    def from_json(cls, text: str) -> "Counts":
        """Make them of what `COUNTS` answers."""
        return cls(**json.loads(text))


def take_backup(stack: Stack, folder: Path, env_file: Path) -> Counts:
    """Write a backup of the running stack into `folder`; counts and dump are of one moment.

    Raises:
        StackError: there is a backup already, or PostgreSQL's programs failed.
    """
    if (folder / MANIFEST).exists():
        raise StackError(f"{folder} has a backup already")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    tools = DatabaseTools(stack.urls.database_url)
    session = tools.session(tools.name)
    assert session.stdin is not None  # noqa: S101 - both are pipes
    assert session.stdout is not None  # noqa: S101
    with session:
        session.stdin.write("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n")
        session.stdin.write("SELECT pg_export_snapshot();\n")
        session.stdin.write(" ".join(COUNTS.split()) + ";\n")
        session.stdin.flush()
        snapshot = session.stdout.readline().strip()
        answer = session.stdout.readline()
        if not answer:
            raise StackError("the database does not answer")
        counts = Counts.from_json(answer)
        dump = folder / DUMP
        # Links and clicks are for nobody else, from the first byte, in any folder.
        write_private(dump, "")
        tools.run(
            "pg_dump", "-Fc", f"--snapshot={snapshot}", "-f", str(dump), "-d", tools.name
        )  # fmt: skip
        session.stdin.close()
    if env_file.exists():
        write_private(folder / SETTINGS, env_file.read_text())
    manifest = {"taken_at": datetime.now(UTC).isoformat(timespec="seconds"), **asdict(counts)}
    # Last: without it nothing passes for a backup.
    write_private(folder / MANIFEST, json.dumps(manifest, indent=2) + "\n")
    return counts
