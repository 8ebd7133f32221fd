"""What is loaded: the local stack, or a deployed one by its addresses."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local_stack.stack import Stack

HOST = re.compile(r"https?://(127(\.\d+){3}|localhost|\[::1\]|10(\.\d+){3}|192\.168(\.\d+){2}"
                  r"|172\.(1[6-9]|2\d|3[01])(\.\d+){2})(:\d+)?(/.*)?")  # fmt: skip


class TargetError(Exception):
    """There is nothing to load, or it may not be loaded; str() says what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """Its doors, and where its processes tell how they are; stores only of a local stack."""

    public_url: str
    api_url: str
    api_key: str = field(repr=False)
    processes: Sequence[str]
    """Base addresses of `/metrics` and `/readyz`."""
    redis_url: str = field(default="", repr=False)
    database_url: str = field(default="", repr=False)


def target_of_stack(stack: Stack) -> Target:
    """Return the target that a running local stack is."""
    return Target(
        public_url=stack.urls.public_url,
        api_url=stack.urls.api_url,
        api_key=stack.urls.api_key,
        processes=[
            f"http://127.0.0.1:{stack.port(name)}"
            for name in ("redirector-1", "redirector-2", "shortener", "click-ingest")
        ],
        redis_url=stack.urls.redis_url,
        database_url=stack.urls.database_url,
    )


def find_target(*, public_url: str, api_url: str, processes: Sequence[str], home: Path) -> Target:
    """Return the target that is asked for, else the local stack in `home`.

    The key of a deployed one is taken from the environment, QCK_API_KEY.

    Raises:
        TargetError: nothing runs, something is missing, or an address is not of this host or a
            private network.
    """
    if not public_url:
        stack = Stack.running_in(home)
        if stack is None:
            raise TargetError("The stack is not running: make start, or name a TARGET=.")
        return target_of_stack(stack)
    key = os.environ.get("QCK_API_KEY", "")
    if not api_url or not key:
        raise TargetError("A TARGET= needs API= and, in the environment, QCK_API_KEY.")
    for url in (public_url, api_url, *processes):
        if not HOST.fullmatch(url):
            raise TargetError(f"{url} is neither on this host nor in a private network.")
    return Target(public_url.rstrip("/"), api_url.rstrip("/"), key, processes)
