"""Spools that dead processes left, and spools of any process that cannot be used for now."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from redirector.spool_folder import SpoolFolder
from redirector.spool_reader import SpoolBatch, SpoolReader
from shared.metrics import RedirectorMetrics

UNUSABLE_FOR_S = 60.0
"""How long a spool is left alone that cannot be read: a broken disk may take seconds to say so."""

log = structlog.get_logger()


class AdoptedSpools:
    """Takes over the folders of dead processes, and gives each back when it is finished.

    A spool that cannot be locked, read or removed is set aside, logged and shown in
    `qck_spools_unusable`, and tried again later; the others go on.
    """

    __slots__ = ("_clock", "_metrics", "_root", "_unusable", "readers")

    def __init__(
        self,
        root: Path,
        *,
        metrics: RedirectorMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root
        self._metrics = metrics
        self._clock = clock
        # When each may be tried again.
        self._unusable: dict[str, float] = {}
        self.readers: list[SpoolReader] = []

    @property
    def left_bytes(self) -> int:
        """Bytes that are not yet confirmed."""
        return sum(reader.left_bytes for reader in self.readers)

    @property
    def unusable(self) -> list[str]:
        """The spools that could not be used when that was last tried."""
        return list(self._unusable)

    async def adopt_every(self, interval_s: float) -> None:
        """Look for dead processes' folders for ever."""
        while True:
            self.adopt()
            await asyncio.sleep(interval_s)

    def adopt(self) -> None:
        """Take over what dead processes have left by now."""
        for source in [name for name in self._unusable if not os.path.exists(self._root / name)]:
            self._set_usable(source)
        skipped = {source for source in self._unusable if self._is_set_aside(source)}
        for folder in SpoolFolder.adopt(self._root, skipped=skipped, refused=self._set_aside):
            try:
                reader = SpoolReader(folder, metrics=self._metrics)
            except OSError as error:
                folder.close()
                self._set_aside(folder.source, error)
                continue
            self.readers.append(reader)
            log.info("spool_adopted", source=folder.source)

    def read(self, reader: SpoolReader, max_clicks: int) -> SpoolBatch | None:
        """Return the next lines of any spool; None where there are none, or none can be read."""
        if self._is_set_aside(reader.source):
            return None
        try:
            batch = reader.read(max_clicks)
        except OSError as error:
            self._set_aside(reader.source, error)
            return None
        if batch is not None:
            self._set_usable(reader.source)
        return batch

    def finish(self, *, busy: set[str]) -> None:
        """Remove folders that are confirmed and announced; those that are set aside are let go.

        Those of which messages are in flight, `busy` by source, stay as they are.
        """
        for reader in [each for each in self.readers if each.source not in busy]:
            if self._is_set_aside(reader.source):
                self.readers.remove(reader)
                reader.release()
                continue
            try:
                if reader.is_announced and reader.is_finished():
                    self.readers.remove(reader)
                    reader.remove()
            except OSError as error:
                self._set_aside(reader.source, error)

    def release(self) -> None:
        """Leave what is not finished to the next process."""
        for reader in self.readers:
            reader.release()
        self.readers.clear()

    def _set_aside(self, source: str, error: OSError) -> None:
        if source not in self._unusable:
            log.warning("spool_unusable", source=source, reason=repr(error))
        self._unusable[source] = self._clock() + UNUSABLE_FOR_S
        self._metrics.spools_unusable.set(len(self._unusable))

    def _set_usable(self, source: str) -> None:
        if self._unusable.pop(source, None) is not None:
            self._metrics.spools_unusable.set(len(self._unusable))

    def _is_set_aside(self, source: str) -> bool:
        return self._unusable.get(source, 0.0) > self._clock()
