"""`make fuzz`: requests drawn from docs/openapi.json, against a stack of its own."""

import argparse
import logging
import secrets
import sys
import tempfile
from pathlib import Path

import structlog

from tests.fuzz.running import fuzz


def main() -> int:
    """Fuzz; return the exit status."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=200, help="random ones of each operation")
    parser.add_argument("--seed", type=int, help="the same one draws the same requests")
    options = parser.parse_args()
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory(prefix="qck-fuzz-") as home:
        return fuzz(Path(home), examples=options.examples, seed=seed, out=sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
