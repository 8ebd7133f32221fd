"""A folder in memory, for servers whose databases are made and dropped again and again.

On a disk that others use, too, each of these costs up to seconds, and no test asks what is left
when a machine loses its power: all that a killed server has written is there in memory as well.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

MEMORY = Path("/dev/shm")  # noqa: S108 - what is made there is nobody else's
ENOUGH_BYTES = 2 * 1024**3


@contextmanager
def folder_in_memory(otherwise: Path) -> Iterator[Path]:
    """Give a new folder in memory for the block, or `otherwise` where there is not much of it."""
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ENOUGH_BYTES:
        yield otherwise
        return
    with TemporaryDirectory(prefix="qck-tests-", dir=MEMORY) as folder:
        yield Path(folder)
