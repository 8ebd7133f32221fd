"""Real spans of the real shortener and a real worker, and a receiver that may be away."""

import asyncio
import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from shared.db.engine import create_engine
from shared.db.transaction_traces import trace_transactions
from shared.settings import Secret
from tests.support.api import API_KEY, running_shortener
from tests.support.clicks import messages_of
from tests.support.ingest import publish, running_worker, until, until_stored
from tests.support.spans import KeptSpans, attributes
from tests.support.trace_receiver import trace_receiver

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
NOWHERE = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
    "OTEL_BSP_SCHEDULE_DELAY": "10",
    "OTEL_BSP_MAX_QUEUE_SIZE": "1",
}


async def test_spans_of_requests_and_batches_arrive(
    database_url: str, redis_url: str, amqp_url: str
) -> None:
    """A request's with its transactions, a batch's with its numbers; secrets are in none."""
    with trace_receiver() as receiver:
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "x-token=a%20token",
        }
        async with running_shortener(database_url, redis_url, **variables) as client:
            answer = await client.post(
                "/short-urls",
                params={"password": "hush"},
                json={"longUrl": "https://private.example/", "customSlug": "my-code"},
                headers={"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "id-1"},
            )
            assert answer.status_code == 200
            assert (await client.get("/short-urls/no-such-code")).status_code == 404
        async with running_worker(database_url, amqp_url, **variables):
            await publish(amqp_url, messages_of(uuid.uuid4(), 4, 25))
            await until_stored(database_url, 100)
        spans = receiver.spans()
    (created,) = (span for span in spans if span.get("qck.request_id") == "id-1")
    assert created["name"] == "POST /rest/v3/short-urls"
    assert (created["service"], created["http.response.status_code"]) == ("shortener", 200)
    assert (created["trace"], created["parent"]) == (TRACE, PARENT)
    children = [span for span in spans if span["parent"] == created["id"]]
    assert {span["name"] for span in children} == {"postgresql transaction"}
    assert ["commit"] in [span["events"] for span in children]
    (missing,) = (span for span in spans if span.get("http.response.status_code") == 404)
    assert str(missing["qck.problem.type"]).endswith("/short-url-not-found")
    batches = [span for span in spans if span["name"] == "store clicks"]
    assert {span["service"] for span in batches} == {"click-ingest"}
    assert sum(span["qck.clicks.stored"] for span in batches) == 100
    assert all(span["events"] == ["commit"] for span in batches)
    assert set(receiver.paths) == {"/v1/traces"}
    assert {headers["x-token"] for headers in receiver.headers} == {"a token"}
    sent = b"".join(receiver.bodies)
    for secret in (API_KEY, "hush", "private.example", "my-code", "no-such-code"):
        assert secret.encode() not in sent


async def test_requests_go_on_without_the_receiver(database_url: str, redis_url: str) -> None:
    """They are answered, and what is dropped is counted."""
    async with running_shortener(database_url, redis_url, **NOWHERE) as client:
        async with asyncio.timeout(5):
            answers = [await client.get("/short-urls") for _ in range(10)]
        assert {answer.status_code for answer in answers} == {200}
        metrics = (await client.get("http://shortener/metrics")).text
    dropped = 'qck_trace_spans_dropped_total{reason="queue_full"}'
    assert f"\n{dropped} " in metrics
    assert f"\n{dropped} 0.0" not in metrics
    assert "\nqck_trace_spans_exported_total 0.0" in metrics


async def test_batches_go_on_without_the_receiver(database_url: str, amqp_url: str) -> None:
    """They are stored, and what is dropped is counted."""
    async with running_worker(database_url, amqp_url, **NOWHERE, BATCH_MAX_CLICKS="10") as worker:
        await publish(amqp_url, messages_of(uuid.uuid4(), 5, 10))
        await until_stored(database_url, 50)

        async def are_dropped() -> bool:
            return await worker.count("qck_trace_spans_dropped_total", reason="queue_full") > 0

        await until(are_dropped)
        assert await worker.count("qck_trace_spans_exported_total") == 0


async def test_transactions_of_no_trace_make_no_spans(database_url: str) -> None:
    """What runs in the background is nobody's; of a failed one there is its SQLSTATE only."""
    spans = KeptSpans()
    engine = create_engine(
        Secret(database_url), application_name="tests", pool_size=1, statement_timeout_s=2
    )
    trace_transactions(engine, spans.tracer)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT 1"))
        assert not spans.ended
        with spans.tracer.start_as_current_span("request"), pytest.raises(ProgrammingError):
            async with engine.begin() as connection:
                await connection.execute(text("SELECT 'hush' FROM no_such_table"))
    finally:
        await engine.dispose()
    failed, request = spans.ended
    assert failed.parent == request.context
    assert attributes(failed)["db.response.status_code"] == "42P01"
    assert "hush" not in failed.to_json()
