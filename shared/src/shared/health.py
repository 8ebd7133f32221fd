"""`/healthz`, `/readyz` and `/metrics`, from the checks that a service's wiring lists.

Alive says only that the event loop turns. Ready tells "degraded" (works, with something missing)
from "down" (cannot do its work), so that a lost dependency does not take every replica out.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

CHECK_TIMEOUT_S = 1.0

Probe = Callable[[], Awaitable[Mapping[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class Check:
    """One dependency: `probe` returns details for people or raises what is wrong.

    A failing check makes the process "down" where it is `required`, else "degraded". `details`
    are shown in either case: how busy a pool is matters most when its check fails.
    """

    name: str
    probe: Probe
    required: bool = False
    details: Callable[[], Mapping[str, Any]] = dict


async def run_checks(checks: Sequence[Check]) -> tuple[str, dict[str, dict[str, Any]]]:
    """Run all checks at once, each bounded; return the overall status and each one's state."""
    async with asyncio.TaskGroup() as group:
        tasks = {check: group.create_task(_run(check)) for check in checks}
    results = {check.name: task.result() for check, task in tasks.items()}
    failed = [check for check in checks if results[check.name]["status"] != "ok"]
    if any(check.required for check in failed):
        return "down", results
    return ("degraded" if failed else "ok"), results


async def _run(check: Check) -> dict[str, Any]:
    result: dict[str, Any] = {"status": "ok"}
    started = time.perf_counter()
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            found = await check.probe()
    except Exception as error:  # a probe may fail in any way; its kind is what people need
        found = None
        result["status"] = "down"
        result["reason"] = f"{type(error).__name__}: {error}".rstrip(": ")
    result["latency_ms"] = round((time.perf_counter() - started) * 1000, 2)
    return {**result, **check.details(), **(found or {})}


def health_routes(
    checks: Callable[[], Sequence[Check]], registry: CollectorRegistry
) -> list[Route]:
    """Make the three routes; `checks` is asked at each request, after the lifespan has begun."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        status, results = await run_checks(checks())
        body = msgspec.json.encode({"status": status, "checks": results})
        return Response(
            body, status_code=503 if status == "down" else 200, media_type="application/json"
        )

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
