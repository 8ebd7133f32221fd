"""Memory of a process, as /proc has it."""

import re
from pathlib import Path


def rss_bytes(pid: int) -> int:
    """Return what is resident, shared pages in full."""
    return read_kib(Path(f"/proc/{pid}/status").read_text(), "VmRSS")


def peak_rss_bytes(pid: int) -> int:
    """Return the most that was ever resident."""
    return read_kib(Path(f"/proc/{pid}/status").read_text(), "VmHWM")


def pss_bytes(pid: int) -> int:
    """Return what is resident, a page that n processes share as an nth of it; 0 if it has gone."""
    try:
        return read_kib(Path(f"/proc/{pid}/smaps_rollup").read_text(), "Pss")
    except (FileNotFoundError, ProcessLookupError):
        return 0


def read_kib(text: str, name: str) -> int:
    """Return a field of the kind "Name:   12 kB" in bytes; 0 where there is none."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0
