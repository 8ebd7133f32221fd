"""`python -m shortener.import_links FORMAT FILE`: take links over from a file or another server.

Straight into the stores, without the API and its bounds. Interrupted, it is run again: what is
there already is recognised. Rows that are skipped go with their reasons into a report.
"""

import argparse
import asyncio
import csv
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TextIO

from prometheus_client import CollectorRegistry

from shared.db.engine import create_engine
from shared.link_cache import LinkCache
from shared.metrics import ShortenerMetrics
from shared.redis_client import create_redis
from shared.settings import Secret, SettingsError, load
from shortener.app import STATEMENT_TIMEOUT_S, create_bodies
from shortener.audit_log import Author
from shortener.blocked_domains import BlockedDomains
from shortener.import_progress import ImportProgress
from shortener.link_import.formats import FORMATS
from shortener.link_import.importer import ImportCounts, LinkImporter
from shortener.link_import.rows import Chunks, ImportFileError, Rows
from shortener.link_import.shlink_server import shlink_rows
from shortener.link_outbox import LinkOutbox
from shortener.link_store import LinkStore
from shortener.settings import Settings
from shortener.transactions import DatabaseUnavailableError

NAME = "qck-import"
CACHE_TIMEOUT_S = 2.0
READ_BYTES = 256 * 1024


async def import_links(settings: Settings, options: argparse.Namespace) -> ImportCounts:
    """Import, show how far it is, and write the report.

    Raises:
        ImportFileError | DatabaseUnavailableError | OSError: it broke off; run it again.
    """
    async with AsyncExitStack() as stack:
        engine = create_engine(
            settings.database.url,
            application_name=NAME,
            pool_size=1,
            statement_timeout_s=STATEMENT_TIMEOUT_S,
        )
        stack.push_async_callback(engine.dispose)
        redis = create_redis(
            settings.redis.url, client_name=NAME, pool_size=1, timeout_s=CACHE_TIMEOUT_S
        )
        stack.push_async_callback(redis.aclose)
        metrics = ShortenerMetrics(CollectorRegistry())
        links = LinkStore(
            engine=engine,
            outbox=LinkOutbox(
                engine=engine,
                cache=LinkCache(redis, settings.link_cache),
                cache_calls=asyncio.Semaphore(1),
                metrics=metrics,
            ),
            count_collision=metrics.code_collisions.inc,
            deletion_threshold=None,
        )
        importer = LinkImporter(links, create_bodies(settings, links, BlockedDomains(engine)))
        progress = stack.enter_context(ImportProgress(sys.stderr))
        rows = await _open(options, stack, progress)
        report = csv.writer(stack.enter_context(_create(options.report)))
        report.writerow(["row", "shortCode", "longUrl", "outcome", "reason"])
        counts = ImportCounts()
        async for step in importer.run(rows, Author(None, NAME, None), options.domain):
            counts = step.counts
            for note in step.notes:
                outcome = "skipped" if note.is_skipped else "imported"
                report.writerow([note.row, note.short_code, note.long_url, outcome, note.reason])
            progress.show(counts)
        return counts


async def _open(
    options: argparse.Namespace, stack: AsyncExitStack, progress: ImportProgress
) -> Rows:
    if options.format == "shlink" and options.file.startswith(("http://", "https://")):
        key = Secret(os.environ.get("IMPORT_API_KEY", ""))  # noqa: TID251 - an entry point
        return await stack.enter_async_context(shlink_rows(options.file, key))
    path = Path(options.file)
    progress.total_bytes = path.stat().st_size  # noqa: ASYNC240 - nothing else runs
    file = stack.enter_context(path.open("rb"))  # noqa: ASYNC230 - nothing else runs

    async def chunks() -> Chunks:
        while chunk := file.read(READ_BYTES):
            progress.read_bytes += len(chunk)
            yield chunk

    return FORMATS[options.format](chunks())


def _create(path: Path) -> TextIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("w", encoding="utf-8", newline="")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="import_links", description="Take links over.")
    parser.add_argument("format", choices=sorted(FORMATS))
    parser.add_argument("file", help="or, with shlink, the other server's address")
    parser.add_argument("--report", type=Path, default=Path("reports/import.csv"))
    parser.add_argument("--domain", type=lambda text: text or None, help="instead of each link's")
    options = parser.parse_args()
    if options.domain == "DEFAULT":
        options.domain = ""
    return options


def main() -> None:
    """Import what the command line says, and say what became of it."""
    options = _options()
    try:
        settings = load(Settings, os.environ)  # noqa: TID251 - an entry point
        counts = asyncio.run(import_links(settings, options))
    except KeyboardInterrupt:
        raise SystemExit("import: interrupted; run it again to go on") from None
    except OSError as error:
        raise SystemExit(f"import: {error.filename}: {error.strerror}") from None
    except (ImportFileError, SettingsError) as error:
        raise SystemExit(f"import: {error}") from None
    except DatabaseUnavailableError as error:
        raise SystemExit(f"import: {error} Run it again to go on.") from None
    print(  # noqa: T201 - what the command is for
        f"{counts.rows:,} links: {counts.created:,} created, {counts.existing:,} were there,"
        f" {counts.updated:,} got newer visits, {counts.skipped:,} skipped."
        + (f" {options.report} says why." if counts.skipped else "")
    )


if __name__ == "__main__":
    main()
