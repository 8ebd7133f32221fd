"""`python -m tests.seed`: fill a database with links and clicks, beside what it has.

The database is DATABASE_URL's, else that of the stack that runs in this checkout.
"""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Mapping, Sequence

import structlog

from local_stack.home import PROJECT_ROOT
from local_stack.stack import Stack
from shared.db.errors import DATABASE_ERRORS
from tests.seed.clicked_links import NoLinksError
from tests.seed.clicks import DAYS, seed_clicks
from tests.seed.links import seed_links
from tests.seed.terminal import SeedTerminal
from tests.support.amounts import some, whole

INTERRUPTED = 130


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Seed; return the exit status."""
    options = _parser().parse_args(arguments)
    terminal = SeedTerminal()
    # Ninety partitions made are ninety lines.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    dsn, domain = environ.get("DATABASE_URL", ""), environ.get("DEFAULT_DOMAIN", "")
    if not dsn:
        stack = Stack.running_in(PROJECT_ROOT / ".local")
        if stack is None:
            terminal.say("the stack is not running: make start, or give DATABASE_URL")
            return 1
        dsn = stack.urls.database_url
        domain = stack.service_environment("redirector-1")["DEFAULT_DOMAIN"]
    try:
        asyncio.run(_seed(dsn, domain or "localhost", options, terminal))
    except KeyboardInterrupt:
        return INTERRUPTED
    except (*DATABASE_ERRORS, NoLinksError) as error:
        terminal.say(f"seed: {error}")
        return 1
    return 0


async def _seed(
    dsn: str, domain: str, options: argparse.Namespace, terminal: SeedTerminal
) -> None:
    if options.links:
        with terminal.progress("links", options.links) as progress:
            await seed_links(dsn, options.links, seed=options.seed, progress=progress)
    if options.clicks:
        with terminal.progress("clicks", options.clicks) as progress:
            await seed_clicks(
                dsn,
                options.clicks,
                seed=options.seed,
                days=options.days,
                domain=domain,
                progress=progress,
            )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="seed", description=__doc__)
    parser.add_argument("--links", type=whole, default=1_000_000)
    parser.add_argument("--clicks", type=whole, default=10_000_000, help="on all links there are")
    parser.add_argument("--seed", type=int, default=1, help="the same one makes the same rows")
    parser.add_argument("--days", type=some, default=DAYS, help="over which clicks are spread")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
