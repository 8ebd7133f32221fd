"""Many creations: cut into transactions, and the one transaction of each cut.

The items are answered as if they came one after the other: of two with one slug the first gets it,
and `find_if_exists` finds what an earlier item creates. An item that may have to do so goes into a
later transaction, unless it asks for exactly the same as the earlier one and shares its answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from shortener.audit_log import Author
from shortener.code_generator import Draw
from shortener.link_change import LinkChange
from shortener.link_insertion import NewLink, insert_links
from shortener.link_match import find_like, given_of
from shortener.short_url_body import ShortUrlCreation

CHUNK_SIZE = 200
"""Links in one transaction: it holds a lock for each code and each long URL that it looks for."""

K = TypeVar("K")
Outcome = Literal["created", "found", "slug_taken", "no_free_code"]


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of one item, and the change unless its code was taken."""

    outcome: Outcome
    change: LinkChange | None


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """Which items share a transaction, and for others the item whose answer they share."""

    chunks: Sequence[Sequence[int]]
    same_as: dict[int, int]


def plan_batch(
    creations: Sequence[tuple[int, ShortUrlCreation]], chunk_size: int = CHUNK_SIZE
) -> BatchPlan:
    """Cut the creations, given with their indices, so that each finds what comes before it.

    The same creations are always cut alike.
    """
    chunks: list[list[int]] = [[]]
    same_as: dict[int, int] = {}
    with_long_url: dict[str, list[tuple[int, int, ShortUrlCreation]]] = {}
    with_slug: dict[tuple[str, str], int] = {}
    for index, creation in creations:
        earlier = with_long_url.setdefault(creation.long_url.href, [])
        slug = (creation.domain, creation.custom_slug or "")
        least = with_slug.get(slug, 0) if creation.custom_slug else 0
        if creation.find_if_exists:
            twin = next((i for i, _, other in earlier if _is_same(creation, other)), None)
            if twin is not None:
                same_as[index] = twin
                continue
            alike = (at + 1 for _, at, other in earlier if _is_like(creation, other))
            least = max(least, *alike, 0)
        at = max(least, _first_with_room(chunks, least, chunk_size))
        while len(chunks) <= at:
            chunks.append([])
        chunks[at].append(index)
        with_slug[slug] = at
        earlier.append((index, at, creation))
    return BatchPlan([chunk for chunk in chunks if chunk], same_as)


async def create_chunk(
    connection: AsyncConnection,
    creations: Sequence[ShortUrlCreation],
    author: Author,
    draw: Draw,
    count_collision: Callable[[], object],
) -> list[BatchResult]:
    """Create the links of one transaction, or find those that exist; never fails for one item."""
    seeking = [n for n, creation in enumerate(creations) if creation.find_if_exists]
    likes = await find_like(connection, [creations[n] for n in seeking], author.scope)
    found = dict(zip(seeking, likes, strict=True))
    missing = [n for n in range(len(creations)) if found.get(n) is None]
    new = [NewLink(creation=creations[n]) for n in missing]
    changes = dict(
        zip(
            missing,
            await insert_links(connection, new, author, draw, count_collision),
            strict=True,
        )
    )
    results: list[BatchResult] = []
    for n, creation in enumerate(creations):
        link, change = found.get(n), changes.get(n)
        if link is not None:
            results.append(BatchResult("found", LinkChange(link, None)))
        elif change is not None:
            results.append(BatchResult("created", change))
        else:
            is_random = creation.custom_slug is None
            results.append(BatchResult("no_free_code" if is_random else "slug_taken", None))
    return results


def _first_with_room(chunks: Sequence[Sequence[int]], least: int, chunk_size: int) -> int:
    at = least
    while at < len(chunks) and len(chunks[at]) >= chunk_size:
        at += 1
    return at


def _is_same(one: ShortUrlCreation, other: ShortUrlCreation) -> bool:
    return other.find_if_exists and given_of(one) == given_of(other)


def _is_like(wanted: ShortUrlCreation, other: ShortUrlCreation) -> bool:
    """Tell whether the link of `other` may be what `wanted` has to find."""
    has = given_of(other)
    return all(value is None or value == has[name] for name, value in given_of(wanted).items())
