"""URLs of stores, refused where it can be seen that nobody will get anywhere by them.

A client would say it late, and some say it with a piece of the password: a slash in one that is
not percent-encoded ends the host, and what is before it is taken for a port.
"""

import re
from typing import ClassVar
from urllib.parse import SplitResult, parse_qsl, urlsplit

from shared.secret import Secret

_HOST = re.compile(r"(?:\[[^\[\]@]+\]|[^\[\]@:]*)(?::(?P<port>[0-9]{0,5}))?")
_HIGHEST_PORT = 65_535
_EXPECTED = (
    "expected a URL with host and port, the latter from 1 to 65535; of user and password,"
    " characters such as / ? # @ : % are percent-encoded"
)


class StoreUrl(Secret):
    """Where a store is, with its password.

    Raises:
        ValueError: why it cannot be a URL of this store, without a word of it.
    """

    __slots__ = ()
    schemes: ClassVar[tuple[str, ...]]

    def __init__(self, value: str) -> None:
        if not value.startswith(self.schemes):
            raise ValueError(f"expected a URL that begins with {' or '.join(self.schemes)}")
        try:
            is_whole = self._is_whole(urlsplit(value))
        except ValueError:  # brackets, or a query, that nobody can read
            is_whole = False
        if not is_whole:
            raise ValueError(_EXPECTED)
        super().__init__(value)

    def _is_whole(self, url: SplitResult) -> bool:
        # What is meant for a password may have ended the host.
        is_cut = url.fragment or (url.netloc and "@" in url.path)
        hosts = url.netloc.rpartition("@")[2]
        return not is_cut and all(map(_is_host, hosts.split(",")))


class DatabaseUrl(StoreUrl):
    """A URL of PostgreSQL, as its own tools take it."""

    __slots__ = ()
    schemes = ("postgresql://", "postgres://")

    def _is_whole(self, url: SplitResult) -> bool:
        # As asyncpg reads it: hosts are behind the first @, and each name has a value.
        parse_qsl(url.query, strict_parsing=bool(url.query))
        return url.netloc.count("@") < 2 and super()._is_whole(url)


class RedisUrl(StoreUrl):
    """A URL of Redis."""

    __slots__ = ()
    schemes = ("redis://", "rediss://", "unix://")


class AmqpUrl(StoreUrl):
    """A URL of RabbitMQ."""

    __slots__ = ()
    schemes = ("amqp://", "amqps://")


def _is_host(text: str) -> bool:
    match = _HOST.fullmatch(text)
    return match is not None and 1 <= int(match["port"] or 1) <= _HIGHEST_PORT
