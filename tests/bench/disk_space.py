"""Whether there is room for what a section is about to store."""

import shutil
from pathlib import Path

# With tests.seed's rows it is 940 and 770, indexes, counts and statistics included.
BYTES_PER_LINK = 1_100
BYTES_PER_CLICK = 900
BYTES_PER_STACK = 4 * 1024**3
"""The write-ahead log, which may be 2 GiB, and what RabbitMQ wants to see free."""

_GIB = 1024**3


class DiskSpaceError(Exception):
    """The disk is too full; the message says by how much, and what can be done."""


def needed_bytes(*, links: int, clicks: int, stacks: int) -> int:
    """Return about how much so much data takes."""
    return links * BYTES_PER_LINK + clicks * BYTES_PER_CLICK + stacks * BYTES_PER_STACK


def require_space(folder: Path, needed: int) -> None:
    """Check before minutes are spent.

    Raises:
        DiskSpaceError: less than that is free where `folder` is.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DiskSpaceError(
            f"this needs about {needed / _GIB:.0f} GiB in {folder}, where"
            f" {free / _GIB:.0f} GiB are free: set TMPDIR to a folder on a bigger disk,"
            " or a smaller scale"
        )
