"""Clicks that wait in the queue: as redirectors write and send them, and as fast as can be.

The parts of a line that are the same for many clicks are encoded once, by the code that encodes
clicks; what differs in each of them (id, time and request id) is put in between.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random
from uuid import uuid4

import aio_pika
import msgspec

from shared import broker
from shared.click_event import CONTENT_TYPE, SCHEMA_VERSION, ClickEvent, encode_line
from shared.click_id import click_id
from shared.settings import Secret
from tests.seed.link_maker import LinkMaker
from tests.seed.visitors import COUNTRIES, REFERERS, USER_AGENTS

LINKS = 10_000
KINDS = 20_000
"""How many combinations of link and visitor there are; each click is one of them at random."""

MESSAGE_CLICKS = 500
"""The default of PUBLISH_MAX_CLICKS."""
SOURCES = 2
IN_FLIGHT = 16
PER_MS = 10
"""Clicks of one millisecond: the backlog is what busy redirectors leave in some minutes."""

_ID, _REQUEST_ID = "#id#", "#request id#"
_AT = datetime(2000, 1, 1, tzinfo=UTC)


class ClickLines:
    """Makes lines of clicks by Zipf's law, of browsers and bots of several kinds."""

    __slots__ = ("_before", "_end", "_middle", "_random", "_tails")

    def __init__(self, seed: int) -> None:
        self._random = random = Random(f"backlog {seed}")  # noqa: S311 - no secret
        maker = LinkMaker(seed)
        pieces = [_pieces(_a_click(random, maker)) for _ in range(KINDS)]
        self._before, self._middle, _, self._end = pieces[0]
        self._tails = [tail for _, _, tail, _ in pieces]

    def message(self, first_ms: int, count: int) -> bytes:
        """Return the body of a message whose first click was at `first_ms` (Unix)."""
        random, before, middle, end = self._random, self._before, self._middle, self._end
        lines = []
        at_ms, at = 0, b""
        for number, tail in enumerate(random.choices(self._tails, k=count)):
            if at_ms != first_ms + number // PER_MS:
                at_ms = first_ms + number // PER_MS
                at = _encoded(datetime.fromtimestamp(at_ms / 1000, UTC))
            request_id = random.getrandbits(128)
            lines.append(
                b"%b%b%b%b%b%032x%b"
                % (
                    before,
                    click_id(at_ms, request_id).encode(),
                    middle,
                    at,
                    tail,
                    request_id,
                    end,
                )
            )
        return b"".join(lines)


async def publish_backlog(
    amqp_url: str, clicks: int, lines: ClickLines, progress: Callable[[float], None]
) -> None:
    """Fill the queue with so many clicks of two spools, every message confirmed."""
    connection = await broker.connect(Secret(amqp_url), connection_name="bench backlog")
    async with connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        exchange = await broker.declare_topology(channel)
        free = asyncio.Semaphore(IN_FLIGHT)

        async def send(message: aio_pika.Message, count: int) -> None:
            await exchange.publish(message, broker.CLICKS_ROUTING_KEY, mandatory=True)
            free.release()
            progress(count)

        async with asyncio.TaskGroup() as tasks:
            for message, count in _messages(clicks, lines):
                await free.acquire()
                tasks.create_task(send(message, count))


def _messages(clicks: int, lines: ClickLines) -> Iterator[tuple[aio_pika.Message, int]]:
    began_ms = round(time.time() * 1000) - clicks // PER_MS
    sources = [str(uuid4()) for _ in range(SOURCES)]
    sent = dict.fromkeys(sources, 0)
    for first in range(0, clicks, MESSAGE_CLICKS):
        count = min(MESSAGE_CLICKS, clicks - first)
        source = sources[first // MESSAGE_CLICKS % SOURCES]
        headers = {
            broker.HEADER_SCHEMA_VERSION: SCHEMA_VERSION,
            broker.HEADER_SOURCE: source,
            broker.HEADER_FIRST_SEQUENCE: sent[source],
            broker.HEADER_COUNT: count,
            broker.HEADER_APPENDED: sent[source] + count,
            broker.HEADER_CONFIRMED: sent[source],
        }
        sent[source] += count
        message = aio_pika.Message(
            lines.message(began_ms + first // PER_MS, count),
            content_type=CONTENT_TYPE,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=uuid4().hex,
            headers=dict(headers),
        )
        yield message, count


def _a_click(random: Random, maker: LinkMaker) -> ClickEvent:
    # The rank's logarithm is evenly spread: the link of rank r gets a share of 1 / r.
    link_id = int((LINKS + 1) ** random.random())
    code = maker.code(link_id)
    ((language, network),) = random.choices([*COUNTRIES], [*COUNTRIES.values()])
    return ClickEvent(
        id=_ID,
        clicked_at=_AT,
        domain="s.example.org",
        short_code=code,
        link_id=link_id,
        type="link",
        visited_url=f"https://s.example.org/{code}",
        redirect_url=maker.long_url(link_id),
        referer=random.choices([*REFERERS], [*REFERERS.values()])[0],
        user_agent=random.choices([*USER_AGENTS], [*USER_AGENTS.values()])[0],
        accept_language=language,
        ip=f"{network}.{random.randrange(256)}.0",
        visitor=f"{random.getrandbits(128):032x}",
        request_id=_REQUEST_ID,
    )


def _pieces(click: ClickEvent) -> tuple[bytes, bytes, bytes, bytes]:
    """Cut an encoded click where id, time and request id are."""
    before, _, rest = encode_line(click).partition(_ID.encode())
    middle, _, rest = rest.partition(_encoded(_AT))
    tail, _, end = rest.partition(_REQUEST_ID.encode())
    return before, middle, tail, end


def _encoded(moment: datetime) -> bytes:
    return msgspec.json.encode(moment).strip(b'"')
