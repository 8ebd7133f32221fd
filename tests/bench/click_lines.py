"""Lines of clicks as redirectors write them, made as fast as can be.

The parts of a line that are the same for many clicks are encoded once, by the code that encodes
clicks; what differs in each of them (id, time and request id) is put in between.
"""

from datetime import UTC, datetime
from random import Random

import msgspec

from shared.click_event import ClickEvent, encode_line
from shared.click_id import click_id
from tests.seed.link_maker import LinkMaker
from tests.seed.visitors import COUNTRIES, REFERERS, USER_AGENTS
from tests.support.zipf import draw_rank

LINKS = 10_000
KINDS = 20_000
"""How many combinations of link and visitor there are; each click is one of them at random."""

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


def _a_click(random: Random, maker: LinkMaker) -> ClickEvent:
    link_id = draw_rank(random, LINKS)
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
