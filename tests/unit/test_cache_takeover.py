"""When links are dropped because another Redis has them, and what is said of it."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError
from structlog.testing import capture_logs

from shortener.cache_takeover import CacheTakeover

REFUSED = NoPermissionError("no permissions to run the 'info' command")


class AKeeper:
    """Has one of `names` at each look, or fails with it; its links are gone after three drops."""

    def __init__(self, *names: str | Exception, former: str | None = None) -> None:
        self._names = list(names)
        self.former = former
        self.dropped: list[int] = []
        self.failures: list[Exception] = []

    async def names(self) -> tuple[str, str | None]:
        """Answer, or fail."""
        name = self._names.pop(0)
        if isinstance(name, Exception):
            raise name
        return name, self.former

    async def note(self, name: str) -> None:
        """Have a name."""
        self.former = name

    async def drop_some(self, cursor: int) -> int:
        """Drop, or fail."""
        if cursor and self.failures:
            raise self.failures.pop()
        self.dropped.append(cursor)
        return (cursor + 1) % 3


async def looked(keeper: AKeeper, times: int) -> list[str]:
    """Look some times; return what was said."""
    takeover = CacheTakeover(keeper, calls=asyncio.Semaphore(1))
    with capture_logs() as logs:
        for _ in range(times):
            await takeover.turn()
    return [line["event"] for line in logs]


async def test_links_of_a_former_keeper_are_dropped_once() -> None:
    """All of them are, the new keeper is noted, and nothing happens until the next one."""
    keeper = AKeeper("b", "b", "c", former="a")
    assert await looked(keeper, 2) == ["cache_emptied"]
    assert (keeper.dropped, keeper.former) == ([0, 1, 2], "b")
    await looked(keeper, 1)
    assert (keeper.dropped, keeper.former) == ([0, 1, 2] * 2, "c")


async def test_links_that_nobody_is_named_for_stay() -> None:
    """A Redis that starts empty, or that an earlier release used, is named and keeps its links."""
    keeper = AKeeper("a")
    assert await looked(keeper, 1) == []
    assert (keeper.dropped, keeper.former) == ([], "a")


async def test_a_redis_that_fails_in_between_is_emptied_from_the_start() -> None:
    """It is named when the last link is gone, and not before."""
    keeper = AKeeper("b", "b", former="a")
    keeper.failures = [RedisConnectionError()]
    await looked(keeper, 1)
    assert (keeper.dropped, keeper.former) == ([0], "a")
    await looked(keeper, 1)
    assert (keeper.dropped, keeper.former) == ([0, 0, 1, 2], "b")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a", RedisConnectionError(), TimeoutError(), "a"], []),
        ([REFUSED, REFUSED], ["cache_takeovers_unseen"]),
        ([REFUSED, "a", REFUSED], ["cache_takeovers_unseen"] * 2),
        (["", ""], ["cache_takeovers_unseen"]),
    ],
)
async def test_what_is_refused_is_said_once(names: list[str | Exception], said: list[str]) -> None:
    """That Redis does not tell who it is is said once, that it is away never: others say that."""
    assert await looked(AKeeper(*names), len(names)) == said
