"""Health from checks."""

import msgspec
import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from shared.health import Check, health_routes
from tests.support.asgi import call


async def fine() -> dict[str, int]:
    """Be well."""
    return {"pool_size": 3}


async def broken() -> None:
    """Fail."""
    raise ConnectionError("refused")


def an_app(*checks: Check) -> Starlette:
    """Make an application with the three routes only."""
    return Starlette(routes=health_routes(lambda: checks, CollectorRegistry()))


@pytest.mark.parametrize(
    ("checks", "status_code", "status"),
    [
        ([Check("a", fine)], 200, b'"status":"ok"'),
        ([Check("a", fine), Check("b", broken)], 200, b'"status":"degraded"'),
        ([Check("a", fine), Check("b", broken, required=True)], 503, b'"status":"down"'),
    ],
    ids=["all well", "one optional away", "one required away"],
)
async def test_readiness(checks: list[Check], status_code: int, status: bytes) -> None:
    """Only a required dependency takes a process out of rotation."""
    answer = await call(an_app(*checks), "/readyz")
    assert answer.status == status_code
    assert answer.body.startswith(b"{" + status)


async def test_details_and_reasons_are_shown() -> None:
    """Each check shows its details or what is wrong."""
    body = (await call(an_app(Check("a", fine), Check("b", broken)), "/readyz")).body
    assert b'"pool_size":3' in body
    assert b"ConnectionError: refused" in body


async def test_details_are_shown_when_a_check_fails() -> None:
    """How busy a pool is, is seen above all when its store does not answer."""
    check = Check("b", broken, required=True, details=lambda: {"breaker": "open"})
    content = msgspec.json.decode((await call(an_app(check), "/readyz")).body)
    assert content["checks"]["b"]["status"] == "down"
    assert content["checks"]["b"]["breaker"] == "open"
    assert content["checks"]["b"]["latency_ms"] >= 0


async def test_alive_asks_nobody() -> None:
    """Liveness does not depend on any check."""
    assert (await call(an_app(Check("b", broken, required=True)), "/healthz")).status == 200


async def test_metrics_are_exposed() -> None:
    """The registry is served in Prometheus' text format."""
    answer = await call(an_app(), "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
