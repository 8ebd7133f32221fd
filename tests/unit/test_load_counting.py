"""Counting a load run's clicks when it is over, at an API that needs its time."""

from collections.abc import Iterator
from types import SimpleNamespace

import httpx2
import pytest

from tests.load import run

TAG = "load-1"


@pytest.fixture(autouse=True)
def a_slow_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let more than half of the time that a click may take pass between any two looks."""
    moments = iter(range(0, 100_000, round(run.COUNTED_WITHIN_S / 2) - 1))
    monkeypatch.setattr(run, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    monkeypatch.setattr(run, "LOOK_EACH_S", 0)


def api_that_tells(counts: Iterator[int | None]) -> httpx2.AsyncClient:
    """Return a client to which each look tells the next count, or fails."""

    def answer(_: httpx2.Request) -> httpx2.Response:
        count = next(counts)
        if count is None:
            return httpx2.Response(503)
        rows = [{"tag": TAG, "visitsSummary": {"total": count}}]
        return httpx2.Response(200, json={"tags": {"data": rows}})

    return httpx2.AsyncClient(transport=httpx2.MockTransport(answer), base_url="http://api")


@pytest.mark.parametrize(
    ("counts", "counted"),
    [
        pytest.param([10], 10, id="all at once"),
        pytest.param([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 10, id="one after another"),
        pytest.param([None, 9, None, 10], 10, id="between failures"),
        pytest.param([3] * 20, 3, id="no more"),
        pytest.param([None] * 20, None, id="never"),
    ],
)
async def test_clicks_are_waited_for_while_they_come(
    counts: list[int | None], counted: int | None
) -> None:
    """None is missing that is merely late, and of an API that is away nothing is claimed."""
    async with api_that_tells(iter(counts)) as api:
        assert await run.count_clicks(api, TAG, 10) == counted
