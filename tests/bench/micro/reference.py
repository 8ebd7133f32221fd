"""What every time is compared with: work that no change of ours makes faster or slower.

Mostly counting in Python, then hashing in C and writing to a file, as a redirect has them: on a
machine that is half as fast it takes about twice as long, as the cases do.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.micro.case import Case, called

_LINE = b"x" * 511 + b"\n"
_COUNTS = range(80)


@contextmanager
def reference(folder: Path) -> Iterator[Case]:
    """Give the reference; its file is in `folder`, where the cases write too."""
    fd = os.open(folder / "reference", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def work() -> None:
        number = 1
        for each in _COUNTS:
            number = (number * 31 + each) & 0xFFFFFFFF
        hashlib.blake2b(_LINE, digest_size=16).hexdigest()
        os.write(fd, _LINE)

    once = called("reference", work)

    def run(times: int) -> float:
        os.ftruncate(fd, 0)
        return once.run(times)

    try:
        yield Case("reference", run)
    finally:
        os.close(fd)
