"""The fold: deltas of clicks become statistics by day of links, tags, domains and everything."""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from click_ingest.driver_connection import Connection
from click_ingest.statistics_store import Day, Key, add_days
from click_ingest.tag_statistics import follow_marks_of
from shared.click_delta import HOURS_A_DAY, ORPHANS, ClickDelta, decode_delta
from shared.day_statistics import Scope

MAX_DELTAS = 16
MAX_CLICKS = 1_000
"""Of one step, so that it takes PostgreSQL some hundredths of a second; one delta always fits."""

CACHED_DOMAINS = 100_000

_EPOCH = date(1970, 1, 1)

_TAKE = """
SELECT id, clicks, delta FROM click_deltas JOIN (
    SELECT id, sum(clicks) OVER (ORDER BY id) AS through FROM (
        SELECT id, clicks FROM click_deltas ORDER BY id LIMIT $1
    ) AS oldest
) AS summed USING (id)
WHERE through <= $2 OR through = clicks
ORDER BY id
"""
_REMOVE = "DELETE FROM click_deltas WHERE id = ANY($1::bigint[])"
# The default domain is 0 also when it has a row for its redirects.
_DOMAINS = """
SELECT links.id, coalesce(domains.id, 0) FROM links
LEFT JOIN domains ON domains.authority = links.domain AND domains.authority <> ''
WHERE links.id = ANY($1::bigint[])
"""
_TAGS = "SELECT link_id, tag_id FROM link_tags WHERE link_id = ANY($1::bigint[])"


@dataclass(frozen=True, slots=True)
class Folded:
    """What one step did."""

    clicks: int = 0
    deltas: int = 0
    cropped: int = 0
    """Clicks whose value of some dimension went into `other`."""


class StatisticsFold:
    """Takes deltas in their order, some at a time, and adds them to the days they are of.

    Each delta is removed in the transaction that adds it, so it counts once whatever fails.
    Remembers the domains of links, which never change, and nothing else.
    """

    __slots__ = ("_domains",)

    def __init__(self) -> None:
        # A plain dict looks for its first item among all that were taken out before it.
        self._domains: OrderedDict[int, int] = OrderedDict()

    async def step(self, connection: Connection) -> Folded:
        """Fold some deltas within the caller's transaction, which holds `STATISTICS_LOCK`."""
        taken = await connection.fetch(_TAKE, MAX_DELTAS, MAX_CLICKS)
        if not taken:
            return Folded()
        deltas = [decode_delta(data) for _, _, data in taken]
        links = {link for delta in deltas for link in delta.links} - {ORPHANS}
        domains = {
            **await self._domains_of(connection, links),
            **{link: domain for delta in deltas for link, domain in delta.domains.items()},
        }
        tags = await _tags_of(connection, links)
        changes: dict[Key, Day] = {}
        for delta in deltas:
            _add_counts(changes, delta, domains, tags)
            if delta.sign > 0:
                _add_visitors(changes, delta, domains, tags)
        if emptied := {link for delta in deltas if delta.sign < 0 for link in delta.links}:
            await follow_marks_of(connection, emptied)
        cropped = await add_days(connection, changes)
        await connection.execute(_REMOVE, [number for number, _, _ in taken])
        return Folded(sum(clicks for _, clicks, _ in taken), len(taken), cropped)

    async def _domains_of(self, connection: Connection, links: Collection[int]) -> dict[int, int]:
        """Return the domain of each link that there is, or was a moment ago."""
        known = self._domains
        if unknown := [link for link in links if link not in known]:
            known.update({link: id_ for link, id_ in await connection.fetch(_DOMAINS, unknown)})
        found = {link: known[link] for link in links if link in known}
        while len(known) > CACHED_DOMAINS:
            known.popitem(last=False)
        return found


async def _tags_of(connection: Connection, links: Collection[int]) -> Mapping[int, Sequence[int]]:
    tags: defaultdict[int, list[int]] = defaultdict(list)
    for link, tag in await connection.fetch(_TAGS, list(links)):
        tags[link].append(tag)
    return tags


def _scopes(
    link: int, domains: Mapping[int, int], tags: Mapping[int, Sequence[int]]
) -> list[tuple[Scope, int]]:
    """List what a link's clicks count for; those of a deleted link have no domain any more."""
    if link == ORPHANS:
        return [("orphan", 0)]
    scopes: list[tuple[Scope, int]] = [("link", link), ("non_orphan", 0)]
    if link in domains:
        scopes.append(("domain", domains[link]))
    scopes += [("tag", tag) for tag in tags.get(link, ())]
    return scopes


def _add_counts(
    changes: dict[Key, Day],
    delta: ClickDelta,
    domains: Mapping[int, int],
    tags: Mapping[int, Sequence[int]],
) -> None:
    by_scope: defaultdict[tuple[Scope, int], Counter[tuple[int, int]]] = defaultdict(Counter)
    counted = Counter(zip(delta.links, delta.hours, delta.source_numbers, strict=True))
    for (link, offset, number), clicks in counted.items():
        for scope in _scopes(link, domains, tags):
            by_scope[scope][offset, number] += clicks
    for (scope_kind, scope_id), counts in by_scope.items():
        for (offset, number), clicks in counts.items():
            day, hour = divmod(delta.first_hour + offset, HOURS_A_DAY)
            source = delta.sources[number]
            change = _change(changes, (scope_kind, scope_id, _date(day)))
            change.takes_away |= delta.sign < 0
            signed = delta.sign * clicks
            change.statistics.add(hour, source.values, signed, signed if source.is_bot else 0)


def _add_visitors(
    changes: dict[Key, Day],
    delta: ClickDelta,
    domains: Mapping[int, int],
    tags: Mapping[int, Sequence[int]],
) -> None:
    by_link: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    first = delta.first_hour
    for link, offset, visitor in zip(
        delta.links, delta.hours, delta.visitor_hashes(), strict=True
    ):
        if visitor:
            by_link[link, (first + offset) // HOURS_A_DAY].add(visitor)
    by_scope: defaultdict[Key, set[int]] = defaultdict(set)
    for (link, day), visitors in by_link.items():
        for scope_kind, scope_id in _scopes(link, domains, tags):
            by_scope[scope_kind, scope_id, _date(day)] |= visitors
    for key, visitors in by_scope.items():
        _change(changes, key).sketch.add(visitors)


def _change(changes: dict[Key, Day], key: Key) -> Day:
    change = changes.get(key)
    if change is None:
        change = changes[key] = Day()
    return change


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=day)
