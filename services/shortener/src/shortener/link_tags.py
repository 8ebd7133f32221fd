"""The tags of one link, within the transaction that changes the link."""

from collections.abc import Iterable

from sqlalchemy import BigInteger, Text, any_, bindparam, cast, delete, func, select
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
_LINK_ID = cast(bindparam("link_id"), BigInteger)
_ADD_TAGS = (
    insert_or_ignore(link_tags)
    .from_select(
        ["link_id", "tag_id"],
        select(_LINK_ID, tags.c.id).where(tags.c.name == any_(_NAMES)),
    )
    .on_conflict_do_nothing()
)
_MAX_ROUNDS = 3


async def add_tags(connection: AsyncConnection, link_id: int, names: Iterable[str]) -> None:
    """Give the link these tags; names that are new are created."""
    # In one order for all, or two transactions with the same new tags could deadlock.
    parameters: dict[str, list[str]] = {"names": sorted(names)}
    missing = len(parameters["names"])
    for _ in range(_MAX_ROUNDS):
        if not missing:
            return
        await connection.execute(_CREATE_TAGS, parameters)
        added = await connection.execute(_ADD_TAGS, {**parameters, "link_id": link_id})
        # One that was there may have been renamed between the two.
        missing -= added.rowcount


async def remove_tags(connection: AsyncConnection, link_id: int) -> None:
    """Take all tags from the link; the tags themselves stay."""
    await connection.execute(delete(link_tags).where(link_tags.c.link_id == link_id))
