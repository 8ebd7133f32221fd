"""Which processes still work somewhere in a folder, long after they should."""

import os
from pathlib import Path

from local_stack.processes import processes


def left_behind(folder: Path) -> list[str]:
    """Return the processes that were told of this folder, by their arguments or settings."""
    found = []
    for process in processes():
        try:
            told = b"".join(
                Path(f"/proc/{process.pid}/{name}").read_bytes() for name in ("cmdline", "environ")
            )
        except OSError:
            continue
        if f"{folder}/".encode() in told and process.pid != os.getpid():
            found.append(f"{process.pid} {process.name}")
    return found
