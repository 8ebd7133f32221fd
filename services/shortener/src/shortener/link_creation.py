"""Creating a link, in the transaction that it is given."""

from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.link_cache import LinkKey
from shortener.audit_log import Author
from shortener.code_generator import Draw
from shortener.link_change import LinkChange
from shortener.link_insertion import NewLink, insert_links
from shortener.link_match import find_like
from shortener.short_url_body import ShortUrlCreation


class ShortCodeTakenError(Exception):
    """Another link has the custom slug, the code of `key`."""

    def __init__(self, key: LinkKey) -> None:
        super().__init__(key)
        self.key = key


class NoFreeCodeError(Exception):
    """Every random code that was drawn is taken, which only happens when codes are too short."""


async def create_link(
    connection: AsyncConnection,
    creation: ShortUrlCreation,
    author: Author,
    draw: Draw,
    count_collision: Callable[[], object],
) -> LinkChange:
    """Create the link, or find the one in the author's scope that `find_if_exists` asks for.

    Raises:
        ShortCodeTakenError | NoFreeCodeError: there is no code for it.
    """
    if creation.find_if_exists:
        found = (await find_like(connection, [creation], author.scope))[0]
        if found is not None:
            return LinkChange(found, None)
    new = [NewLink(creation=creation)]
    change = (await insert_links(connection, new, author, draw, count_collision))[0]
    if change is None:
        if creation.custom_slug is None:
            raise NoFreeCodeError
        raise ShortCodeTakenError((creation.domain, creation.custom_slug))
    return change
