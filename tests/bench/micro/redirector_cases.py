"""The redirector's hot functions, each by itself."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry

from redirector.forwarded_query import merge_query
from redirector.joined_lookup import JoinedLookup
from redirector.places import NoPlaces
from redirector.redirect_rules import RedirectRules
from redirector.request import Request
from redirector.spool import ClickSpool
from redirector.spool_folder import SpoolFolder
from shared.background import background_tasks
from shared.bots import BotPatterns
from shared.click_event import ClickEvent, encode_line
from shared.link import Link, Outcome
from shared.link_cache import cache_key, decode_entry, encode_entry
from shared.metrics import RedirectorMetrics
from shared.redirect_rule import Condition, RedirectRule, encode_rules
from shared.short_code import is_well_formed
from tests.bench.micro.case import Case, awaited, called
from tests.bench.micro.request import (
    CODE,
    LOCATION,
    NOW_MS,
    SCOPE,
    a_click_maker,
    a_request,
)  # fmt: skip

KEYS = [("", f"code{number:03}") for number in range(32)]
LINK = Link(version=1_234_567, link_id=89_012, location=LOCATION)
RULES = (
    RedirectRule("https://app.example.com/", (Condition("device", None, "ios"),)),
    RedirectRule("https://example.com/fr", (Condition("language", None, "fr"),)),
)
LINK_WITH_RULES = Link(1_234_567, 89_012, LOCATION, rules=encode_rules(RULES))
BOT = "Mozilla/5.0 (compatible; SomethingNew/1.0; +https://example.com/bot.html)"


def cases(folder: Path, stack: ExitStack) -> list[Case]:
    """Make them; the spool is a real one in `folder`."""
    metrics = RedirectorMetrics(CollectorRegistry())
    request, maker = a_request(), a_click_maker()
    click = make_click()
    line, entry = encode_line(click), encode_entry(LINK)
    lines = [line] * 32
    spool = a_spool(folder, stack)
    rules = RedirectRules(NoPlaces())
    is_bot_uncached = BotPatterns().is_bot.__wrapped__
    return [
        called("request: taken apart, nginx's form", a_request),
        called("request: taken apart, ASGI scope", lambda: Request.from_scope(SCOPE, lambda: 0.0)),
        called("request: code is well-formed", lambda: is_well_formed(CODE)),
        called("query: merged", lambda: merge_query(LOCATION, b"utm_source=qr&lang=de")),
        called("click: made", lambda: maker.make(
            request, kind="link", short_code=CODE, link_id=89_012, redirect_url=LOCATION)),
        called("click: encoded", lambda: encode_line(click)),
        called("spool: append a line", lambda: spool.append(line)),
        called("spool: append 32 lines, each", lambda: spool.append_all(lines), each=32),
        called("metrics: count", lambda: metrics.redirects[Outcome.REDIRECT].inc()),
        called("metrics: observe", lambda: metrics.redirect_duration.observe(0.0012)),
        called("link: decides", lambda: LINK.decide(NOW_MS)),
        called("rules: two, none matches", lambda: rules.choose(LINK_WITH_RULES, request)),
        called("link cache: key", lambda: cache_key(("", CODE))),
        called("link cache: encode entry", lambda: encode_entry(LINK)),
        called("link cache: decode entry", lambda: decode_entry(entry)),
        awaited("joined lookup: one key", lambda: joined(1)),
        awaited("joined lookup: 32 keys, each", lambda: joined(32), each=32),
        called("bots: first look at a user agent", lambda: is_bot_uncached(BOT)),
    ]  # fmt: skip


def make_click() -> ClickEvent:
    """Make the click of the request."""
    return a_click_maker().make(
        a_request(), kind="link", short_code=CODE, link_id=89_012, redirect_url=LOCATION
    )


def a_spool(folder: Path, stack: ExitStack) -> ClickSpool:
    """Open a spool of its own, with the segments that a redirector has by default."""
    spool = ClickSpool(
        SpoolFolder.plan(folder / "spool"),
        segment_bytes=16 * 1024 * 1024,
        max_bytes=1 << 40,
        metrics=RedirectorMetrics(CollectorRegistry()),
    )
    stack.callback(spool.close)
    return spool


@asynccontextmanager
async def joined(keys: int) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """Look up so many keys in one turn, with a store that answers at once."""

    async def load(wanted: list[tuple[str, str]]) -> list[Link]:
        return [LINK] * len(wanted)

    async with background_tasks() as tasks:
        lookup = JoinedLookup(load, tasks=tasks, max_in_flight=2)

        async def look_up() -> None:
            for future in [lookup.get(key) for key in KEYS[:keys]]:
                await future

        yield look_up
