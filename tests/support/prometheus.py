"""Asking a running Prometheus."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: its labels, and its values by Unix time."""

    labels: Mapping[str, str]
    points: list[tuple[float, float]]


class Prometheus:
    """A client of its HTTP API."""

    __slots__ = ("_http",)

    def __init__(self, port: int) -> None:
        self._http = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=20)

    async def __aenter__(self) -> "Prometheus":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def firing(self) -> list[dict[str, str]]:
        """Return the labels of each alert that fires."""
        alerts = (await self._get("/alerts", {}))["alerts"]
        return [alert["labels"] for alert in alerts if alert["state"] == "firing"]

    async def targets(self) -> dict[str, str]:
        """Return the health of each target by its instance."""
        targets = (await self._get("/targets", {}))["activeTargets"]
        return {target["labels"]["instance"]: target["health"] for target in targets}

    async def now(self, expression: str) -> list[Series]:
        """Return what an expression is at this moment."""
        found = (await self._get("/query", {"query": expression}))["result"]
        return [_series(each["metric"], [each["value"]]) for each in found]

    async def over(
        self, expression: str, first: float, last: float, step_s: float
    ) -> list[Series]:
        """Return what an expression was between two moments."""
        parameters = {
            "query": expression, "start": str(first), "end": str(last), "step": str(step_s),
        }  # fmt: skip
        found = (await self._get("/query_range", parameters))["result"]
        return [_series(each["metric"], each["values"]) for each in found]

    async def _get(self, path: str, parameters: Mapping[str, str]) -> Any:
        answer = (await self._http.get(path, params=dict(parameters))).json()
        assert answer["status"] == "success", (parameters, answer)
        return answer["data"]


def _series(labels: Mapping[str, str], points: list[tuple[float, str]]) -> Series:
    return Series(labels, [(at, float(value)) for at, value in points])
