"""Spool folders as releases have left them, kept byte by byte in tests/contract/golden/spools.

A golden is never edited: a release that writes something else gets a golden of its own.
"""

import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.click_event import ClickEvent
from shared.click_id import click_id

GOLDEN = Path(__file__).parents[1] / "contract" / "golden" / "spools"
DAY = datetime(2020, 2, 29, 22, 11, tzinfo=UTC)
"""Long ago, so that no worker has the day's partition by itself."""

CLICKS = 10
SEGMENT_BYTES = 2500
"""Makes two segments of ten clicks."""

CONFIRMED = 3
"""Where there is a checkpoint: in the middle of the first segment."""


@dataclass(frozen=True, slots=True)
class GoldenSpool:
    """One folder, and which of its clicks an heir has to publish."""

    name: str
    due: range

    def leave_in(self, root: Path) -> str:
        """Put it where a redirector finds it; return its source."""
        source = str(uuid.uuid5(uuid.NAMESPACE_OID, self.name))
        shutil.copytree(GOLDEN / self.name, root / source)
        return source

    @property
    def clicks(self) -> list[ClickEvent]:
        """The clicks that are due."""
        return [golden_click(self.name, number) for number in self.due]


GOLDEN_SPOOLS: Sequence[GoldenSpool] = (
    GoldenSpool("checkpoint-in-place", range(CONFIRMED, CLICKS)),
    GoldenSpool("checkpoint-by-rename", range(CONFIRMED, CLICKS)),
    GoldenSpool("no-checkpoint", range(CLICKS)),
    GoldenSpool("torn-tail", range(CONFIRMED, CLICKS)),
    GoldenSpool("newer-member", range(CONFIRMED, CLICKS)),
)


def golden_click(name: str, number: int) -> ClickEvent:
    """Make a click of a golden spool; every third one is an orphan."""
    clicked_at = DAY + timedelta(milliseconds=number)
    request_id = uuid.uuid5(uuid.NAMESPACE_OID, f"{name} {number}").hex
    is_orphan = number % 3 == 2
    return ClickEvent(
        id=click_id(round(clicked_at.timestamp() * 1000), int(request_id, 16)),
        clicked_at=clicked_at,
        domain="go.test",
        short_code=f"caf\u00e9-{number}",
        link_id=None if is_orphan else 7,
        type="invalid_short_url" if is_orphan else "link",
        visited_url=f"https://go.test/caf%C3%A9-{number}?a=1",
        redirect_url=None if is_orphan else "https://example.org/?a=1",
        referer="",
        user_agent='Mozilla/5.0 "quoted" (X11; Linux x86_64) \u2603',
        accept_language="de,en;q=0.5",
        ip=None if is_orphan else "2001:db8:1::",
        visitor="0123456789abcdef0123456789abcdef",
        request_id=request_id,
        country="NL" if name == "newer-member" else None,
    )
