"""What has happened on a host: which release serves, which one was before, what is half done."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from release.host import Host

_FILE = "history.json"
_KEPT = 100


@dataclass(slots=True)
class History:
    """Kept on the host, written after each change."""

    host: Host
    current: str = ""
    """The release that serves; empty before the first."""
    pending: str = ""
    """The release that was being brought in when somebody interrupted; else empty."""
    entries: list[dict[str, str]] = field(default_factory=list)
    """The newest last: `at`, `release`, `action`, `outcome`."""

    @property
    def former(self) -> str:
        """The release that served before the current one; empty if there was none."""
        served = [entry["release"] for entry in self.entries if entry["outcome"] == "serves"]
        others = [name for name in served if name != self.current]
        return others[-1] if others else ""

    def begin(self, release: str) -> None:
        """Note that a release is being brought in."""
        self.pending = release
        self._write()

    def end(self, release: str, action: str, outcome: str = "serves") -> None:
        """Note what became of it; "serves" makes it the current one."""
        self.pending = ""
        if outcome == "serves":
            self.current = release
        at = datetime.now(UTC).isoformat(timespec="seconds")
        self.entries.append({"at": at, "release": release, "action": action, "outcome": outcome})
        self._write()

    def _write(self) -> None:
        self.host.write_json(
            _FILE,
            {"current": self.current, "pending": self.pending, "entries": self.entries[-_KEPT:]},
        )


def read_history(host: Host) -> History:
    """Read it.

    Raises:
        ReleaseError: it cannot be read.
    """
    content: dict[str, Any] = host.read_json(_FILE)
    return History(
        host,
        current=content.get("current", ""),
        pending=content.get("pending", ""),
        entries=content.get("entries", []),
    )
