"""The tags of links, within the transaction that changes the links."""

from collections.abc import Iterable, Sequence

from sqlalchemy import BigInteger, Text, bindparam, cast, column, delete, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as insert_or_ignore
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.schema import link_tags, tags

_NAMES = cast(bindparam("names"), ARRAY(Text))

_CREATE_TAGS = (
    insert_or_ignore(tags)
    .from_select(["name"], select(func.unnest(_NAMES)))
    .on_conflict_do_nothing()
)
_GIVEN = (
    func.unnest(
        cast(bindparam("link_ids"), ARRAY(BigInteger)),
        cast(bindparam("tags_of_links"), ARRAY(Text)),
    )
    .table_valued(column("link_id", BigInteger), column("name", Text))
    .render_derived(name="given")
)
_ADD_TAGS = (
    insert_or_ignore(link_tags)
    .from_select(
        ["link_id", "tag_id"],
        select(_GIVEN.c.link_id, tags.c.id).where(tags.c.name == _GIVEN.c.name),
    )
    .on_conflict_do_nothing()
)
_MAX_ROUNDS = 3


async def add_tags(connection: AsyncConnection, link_id: int, names: Iterable[str]) -> None:
    """Give the link these tags; names that are new are created."""
    await tag_links(connection, [(link_id, names)])


async def tag_links(
    connection: AsyncConnection, tags_of_links: Sequence[tuple[int, Iterable[str]]]
) -> None:
    """Give links, by id, their tags; names that are new are created."""
    given = [(link_id, name) for link_id, names in tags_of_links for name in names]
    if not given:
        return
    # In one order for all, or two transactions with the same new tags could deadlock.
    names = {"names": sorted({name for _, name in given})}
    parameters = {
        "link_ids": [link_id for link_id, _ in given],
        "tags_of_links": [name for _, name in given],
    }
    missing = len(given)
    for _ in range(_MAX_ROUNDS):
        if not missing:
            return
        await connection.execute(_CREATE_TAGS, names)
        added = await connection.execute(_ADD_TAGS, parameters)
        # One that was there may have been renamed between the two.
        missing -= added.rowcount


async def remove_tags(connection: AsyncConnection, link_id: int) -> None:
    """Take all tags from the link; the tags themselves stay."""
    await connection.execute(delete(link_tags).where(link_tags.c.link_id == link_id))
