"""A redirect as a textbook has it: a route, one `GET`, one message for each click, an answer.

Everything that costs a textbook nothing is done well: connections are opened once, the answer is
a 302, and the servers around it are set up as ours are.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aio_pika
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

QUEUE = "textbook.clicks"


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
    """Open what every request uses."""
    # More than wrk has visitors: the client's own limit of 100 is an error and no waiting.
    redis = Redis.from_url(os.environ["REDIS_URL"], decode_responses=True, max_connections=256)
    connection = await aio_pika.connect_robust(os.environ["AMQP_URL"])
    async with redis, connection:
        channel = await connection.channel()
        await channel.declare_queue(QUEUE, durable=True)
        yield {
            "redis": redis,
            "exchange": channel.default_exchange,
            "prefix": os.environ["KEY_PREFIX"],
        }


async def redirect(request: Request) -> Response:
    """Send the visitor on."""
    code = request.path_params["code"]
    long_url = await request.state.redis.get(request.state.prefix + code)
    if long_url is None:
        return PlainTextResponse("Not found", status_code=404)
    click = {
        "clicked_at": datetime.now(UTC).isoformat(),
        "short_code": code,
        "redirect_url": long_url,
        "referer": request.headers.get("referer", ""),
        "user_agent": request.headers.get("user-agent", ""),
        "accept_language": request.headers.get("accept-language", ""),
        "ip": request.headers.get("x-real-ip"),
    }
    message = aio_pika.Message(json.dumps(click).encode(), content_type="application/json")
    await request.state.exchange.publish(message, routing_key=QUEUE)
    return RedirectResponse(long_url, 302, headers={"Cache-Control": "private, no-store"})


app = Starlette(routes=[Route("/{code}", redirect)], lifespan=lifespan)
