"""URLs of stores, refused where it can be seen that nobody will get anywhere by them.

A client would say it late, and some say it with a piece of the password: a slash in one that is
not percent-encoded ends the host, and what is before it is taken for a port.
"""

import os
import re
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import SplitResult, parse_qsl, urlsplit

from shared.secret import Secret

_HOST = re.compile(r"(?P<name>\[[^\[\]@]+\]|[^\[\]@:]*)(?::(?P<port>[0-9]{0,5}))?")
_HIGHEST_PORT = 65_535
_TLS_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_ANY = re.compile(".+")
_REDIS_OPTIONS = {"db": re.compile("[0-9]+")}
_REDIS_TLS_OPTIONS = {
    "ssl_ca_certs": _ANY,
    "ssl_certfile": _ANY,
    "ssl_keyfile": _ANY,
    "ssl_cert_reqs": re.compile("none|optional|required"),
    "ssl_check_hostname": re.compile("true|false"),
}
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
    files: ClassVar[tuple[str, ...]]
    """Names in the query that say where the client finds a file."""

    def __init__(self, value: str) -> None:
        if not value.startswith(self.schemes):
            raise ValueError(f"expected a URL that begins with {' or '.join(self.schemes)}")
        try:
            url = urlsplit(value)
            is_whole = self._is_whole(url)
        except ValueError:  # brackets, a query or a host's name that nobody can read
            is_whole = False
        if not is_whole:
            raise ValueError(_EXPECTED)
        super().__init__(value)
        self._check_options(dict(parse_qsl(url.query)))

    def _is_whole(self, url: SplitResult) -> bool:
        # What is meant for a password may have ended the host.
        is_cut = url.fragment or (url.netloc and "@" in url.path)
        hosts = url.netloc.rpartition("@")[2]
        return not is_cut and all(map(_is_host, hosts.split(",")))

    def _check_options(self, options: Mapping[str, str]) -> None:
        for name in self.files:
            if name in options and not os.access(options[name], os.R_OK):
                raise ValueError(f"the file that {name} names cannot be read")


class DatabaseUrl(StoreUrl):
    """A URL of PostgreSQL, as its own tools take it."""

    __slots__ = ()
    schemes = ("postgresql://", "postgres://")
    files = ("sslrootcert", "sslcert", "sslkey", "sslcrl")

    def _is_whole(self, url: SplitResult) -> bool:
        # As asyncpg reads it: hosts are behind the first @, and each name has a value.
        parse_qsl(url.query, strict_parsing=bool(url.query))
        return url.netloc.count("@") < 2 and super()._is_whole(url)

    def _check_options(self, options: Mapping[str, str]) -> None:
        if options.get("sslmode", "prefer") not in _TLS_MODES:
            raise ValueError(f"expected one of {', '.join(_TLS_MODES)} for sslmode")
        super()._check_options(options)


class RedisUrl(StoreUrl):
    """A URL of Redis."""

    __slots__ = ()
    schemes = ("redis://", "rediss://", "unix://")
    files = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")

    def _check_options(self, options: Mapping[str, str]) -> None:
        super()._check_options(options)
        # How long to wait, and for how many at once, are settings; redis-py would believe the URL.
        known = _REDIS_OPTIONS | _REDIS_TLS_OPTIONS
        if not self.reveal().startswith("rediss://"):
            known = _REDIS_OPTIONS
        for name, value in options.items():
            if name not in known:
                raise ValueError(f"expected no more in its query than {', '.join(sorted(known))}")
            if not known[name].fullmatch(value):
                raise ValueError(f"expected {known[name].pattern} for {name}")


class AmqpUrl(StoreUrl):
    """A URL of RabbitMQ."""

    __slots__ = ()
    schemes = ("amqp://", "amqps://")
    files = ("cafile", "certfile", "keyfile")


def _is_host(text: str) -> bool:
    match = _HOST.fullmatch(text)
    if match is None:
        return False
    if "%" not in match["name"]:  # which begins the path of a socket's folder
        match["name"].encode("idna")  # as whoever looks it up does: it has no empty part
    return 1 <= int(match["port"] or 1) <= _HIGHEST_PORT
