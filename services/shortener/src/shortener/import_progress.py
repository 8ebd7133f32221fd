"""How far an import is: a bar that is drawn anew on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Callable
from typing import TextIO

from shortener.link_import.importer import ImportCounts

BAR_WIDTH = 30
LINE_EACH_S = 5.0


class ImportProgress:
    """Shows the share of bytes read, where their sum is known, and what became of the rows."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self.total_bytes = 0
        self.read_bytes = 0
        self._out = out
        self._clock = clock
        self._is_drawn_anew = out.isatty()
        self._started = self._said = clock()

    def __enter__(self) -> "ImportProgress":
        return self

    def __exit__(self, *_: object) -> None:
        """End the line that was drawn anew."""
        if self._is_drawn_anew:
            self._out.write("\n")

    def show(self, counts: ImportCounts) -> None:
        """Say how far it is."""
        now = self._clock()
        if not self._is_drawn_anew and now - self._said < LINE_EACH_S:
            return
        self._said = now
        line = f"{self._share()}{counts.rows:,} links, {counts.skipped:,} skipped" + self._rate(
            counts.rows, now - self._started
        )
        self._out.write(f"\r\x1b[2K{line}" if self._is_drawn_anew else f"{line}\n")
        self._out.flush()

    def _share(self) -> str:
        if not self.total_bytes:
            return ""
        share = min(1.0, self.read_bytes / self.total_bytes)
        percent = f"{share:4.0%}  "
        if not self._is_drawn_anew:
            return percent
        full = round(share * BAR_WIDTH)
        return f"[{'#' * full}{'.' * (BAR_WIDTH - full)}] {percent}"

    @staticmethod
    def _rate(rows: int, passed_s: float) -> str:
        return f", {rows / passed_s:,.0f} a second" if passed_s >= 1 else ""
