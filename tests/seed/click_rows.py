"""The rows of some clicks in the order of their time, and what they add to the counts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from shared.click_delta import Source, encode_delta
from shared.click_id import click_id
from shared.day_statistics import source_values
from tests.seed.clicked_links import LINK_COLUMNS, Target
from tests.seed.visitors import VISITOR_COLUMNS, Visitors

COLUMNS = ("id", "clicked_at", "request_id", "referer", *VISITOR_COLUMNS, *LINK_COLUMNS)

HOUR_MS = 3_600_000

CountKey = tuple[int, str, int, bool]
"""Id of the link or 0, type, number of the hour since 1970, whether by a bot."""


@dataclass(slots=True)
class ClickRows:
    """As many clicks as `targets`, from `first_ms` on and before `end_ms` (Unix).

    `counts` and `delta` are complete once `rows` is at its end.
    """

    random: Random
    targets: Sequence[Target]
    first_ms: int
    end_ms: int
    counts: dict[CountKey, int] = field(default_factory=dict)
    _hours: list[int] = field(default_factory=list)
    _sources: list[tuple[str, str]] = field(default_factory=list)
    """Of each click the referer, and the `VISITOR_COLUMNS`."""

    def rows(self, visitors: Visitors) -> Iterator[str]:
        """Yield each click in PostgreSQL's text form."""
        random = self.random
        count, counts = len(self.targets), self.counts
        width_ms = self.end_ms - self.first_ms
        times = sorted(self.first_ms + int(random.random() * width_ms) for _ in range(count))
        clicking = random.choices(visitors.draw(random), k=count)
        referers = visitors.referers(random, count)
        self._sources = [
            (referer, visitor) for referer, (_, visitor) in zip(referers, clicking, strict=True)
        ]
        hour, hour_text = 0, ""
        for at_ms, (link_id, kind, link), (is_bot, visitor), referer in zip(
            times, self.targets, clicking, referers, strict=True
        ):
            # Piece by piece: a datetime for each row would be a fifth of the time.
            if at_ms // HOUR_MS != hour:
                hour = at_ms // HOUR_MS
                hour_text = f"{datetime.fromtimestamp(hour * 3600, UTC):%Y-%m-%d %H}"
            self._hours.append(hour)
            seconds, ms = divmod(at_ms % HOUR_MS, 1000)
            at = f"{hour_text}:{seconds // 60:02}:{seconds % 60:02}.{ms:03}Z"
            key = (link_id, kind, hour, is_bot)
            counts[key] = counts.get(key, 0) + 1
            request_id = random.getrandbits(128)
            yield (
                f"{click_id(at_ms, request_id)}\t{at}\t{request_id:032x}\t{referer}"
                f"\t{visitor}\t{link}\n"
            )

    def delta(self) -> bytes:
        """Return what the statistics are to add."""
        agents = {visitor: visitor.split("\t") for _, visitor in self._sources}
        columns = {visitor: _agent(values) for visitor, values in agents.items()}
        return encode_delta(
            links=[link_id for link_id, _, _ in self.targets],
            hours=self._hours,
            keys=[(referer, columns[visitor]) for referer, visitor in self._sources],
            source=lambda key: Source(key[1][0] == "t", source_values(key[0], *key[1][1:])),
            visitors=[agents[visitor][-1] for _, visitor in self._sources],
        )


def _agent(values: Sequence[str]) -> tuple[str, ...]:
    """Return bot flag, browser, operating system, device and country, '' where there is none."""
    found = dict(zip(VISITOR_COLUMNS, values, strict=True))
    names = ("is_bot", "browser", "operating_system", "device", "country")
    return tuple(found[name].replace("\\N", "") for name in names)
