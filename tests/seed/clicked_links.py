"""Which links are clicked: by Zipf's law, few of them very often and most of them hardly ever."""

from collections.abc import Sequence
from random import Random

from tests.seed.connections import Connection, copied
from tests.support.zipf import draw_rank

LINK_COLUMNS = ("type", "link_id", "domain", "short_code", "visited_url", "redirect_url")

SHARE_ORPHANS = 0.02

# A prime larger than any number of links: counting in steps of it reaches each link once.
_STEP = 2_654_435_761
_ORPHANS = (
    ("base_url", "", ""),
    ("invalid_short_url", "wp-login.php", "wp-login.php"),
    ("invalid_short_url", "Tpyo123", "Tpyo123"),
    ("regular_404", "", ".env/x"),
)

Target = tuple[int, str, str]
"""Of a click: id of the link or 0, type, its `LINK_COLUMNS`."""


class NoLinksError(Exception):
    """There are no links that could be clicked."""


class ClickedLinks:
    """Draws links of all that there are, seeded or not; the popular ones are spread among them."""

    __slots__ = ("_count", "_domain", "_first", "_orphans", "_visited")

    def __init__(self, first_id: int, last_id: int, domain: str) -> None:
        self._first = first_id
        self._count = last_id - first_id + 1
        self._domain = domain
        self._visited = f"http://{domain}/"
        self._orphans: list[Target] = [
            (0, kind, f"{kind}\t\\N\t{domain}\t{code}\t{self._visited}{path}\t\\N")
            for kind, code, path in _ORPHANS
        ]

    @classmethod
    async def of(cls, connection: Connection, domain: str) -> "ClickedLinks":
        """Look which links there are.

        Raises:
            NoLinksError: none.
        """
        first, last = await connection.fetchrow("SELECT min(id), max(id) FROM links")  # type: ignore[misc]
        if first is None:
            raise NoLinksError("there are no links to click: seed some first")
        return cls(first, last, domain)

    async def draw(self, connection: Connection, random: Random, count: int) -> list[Target]:
        """Return what so many clicks lead to, orphans among them."""
        ranks = [draw_rank(random, self._count) for _ in range(count)]
        ids = [self._first + rank * _STEP % self._count for rank in ranks]
        links = await self._read(connection, ids)
        there = sorted(links)
        orphans = self._orphans
        targets = []
        for link_id in ids:
            if random.random() < SHARE_ORPHANS:
                targets.append(random.choice(orphans))
            else:  # ids of deleted links are given to others
                targets.append(links.get(link_id) or links[there[link_id % len(there)]])
        return targets

    async def _read(self, connection: Connection, ids: Sequence[int]) -> dict[int, Target]:
        rows = await connection.fetch(
            "SELECT id, short_code, long_url FROM links WHERE id = ANY($1::bigint[])",
            list(set(ids)),
        )
        if not rows:
            rows = await connection.fetch("SELECT id, short_code, long_url FROM links LIMIT 1000")
        links = {}
        for link_id, short_code, long_url in rows:
            code = copied(short_code)
            values = (
                f"link\t{link_id}\t{self._domain}\t{code}\t{self._visited}{code}"
                f"\t{copied(long_url)}"
            )
            links[link_id] = (link_id, "link", values)
        return links
