"""The redirector's wiring: every client, every task and the order in which they open and close."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from starlette.applications import Starlette

from redirector import pages
from redirector.adopted_spools import AdoptedSpools
from redirector.answers import Answers
from redirector.asgi_redirect import AsgiRedirect
from redirector.click import ClickMaker
from redirector.click_publisher import ClickPublisher, drain_within
from redirector.click_recorder import ClickRecorder
from redirector.crawlable_links import CrawlableLinks
from redirector.domain_store import DomainStore
from redirector.domain_table import DomainTable
from redirector.health_checks import health_checks
from redirector.joined_visits import JoinedVisits
from redirector.lookups import Lookups, open_lookups
from redirector.not_found import NotFound
from redirector.pages import Page
from redirector.pixel import TrackingPixel
from redirector.places import MaxMindPlaces, NoPlaces
from redirector.redirect import OwnPath, Redirect
from redirector.redirect_rules import RedirectRules
from redirector.request import Request
from redirector.robots import PATH as ROBOTS_PATH
from redirector.robots import Robots
from redirector.scan_limit import ScanLimit
from redirector.settings import Settings
from redirector.spool import ClickSpool
from redirector.spool_folder import SpoolFolder
from redirector.untracked import Untracked
from redirector.visit import Visitor
from redirector.visit_charge import VisitCharge
from redirector.visit_limit import VisitLimit
from shared.background import background_tasks
from shared.bots import BotPatterns
from shared.garbage import keep_for_good
from shared.health import Check, health_routes
from shared.metrics import RedirectorMetrics, create_registry

log = structlog.get_logger()


def create_app(settings: Settings) -> Starlette:
    """Make the application; opens nothing before its lifespan begins."""
    registry = create_registry()
    metrics = RedirectorMetrics(registry)
    checks: list[Check] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Redirect]]:
        async with AsyncExitStack() as stack:
            redirect, checks[:] = await _open(settings, metrics, stack)
            app.router.default = AsgiRedirect(redirect, clock=time.time)
            keep_for_good()
            log.info("redirector_started")
            # Each connection finds it there: see RedirectProtocol.
            yield {"redirect": redirect}
            log.info("redirector_stopping")

    return Starlette(routes=health_routes(lambda: checks, registry), lifespan=lifespan)


async def _open(
    settings: Settings, metrics: RedirectorMetrics, stack: AsyncExitStack
) -> tuple[Redirect, Sequence[Check]]:
    """Open everything in dependency order; the stack closes it in reverse."""
    tasks = await stack.enter_async_context(background_tasks())
    lookups = open_lookups(settings, metrics, stack, tasks)
    # Opened after what finds links and so closed before it: its drain waits for no store.
    spool, adopted, publisher = _open_click_path(settings, metrics, stack, tasks)
    checks = health_checks(
        cache=lookups.cache,
        redis=lookups.redis,
        engine=lookups.engine,
        resolver=lookups.resolver,
        publisher=publisher,
        spool=spool,
        adopted=adopted,
        spool_max_bytes=settings.spool.max_bytes,
    )
    await lookups.warm()
    places = _open_places(settings, stack, tasks)
    domains = DomainTable(DomainStore(lookups.engine))
    await domains.refresh()
    tasks.create_task(domains.refresh_forever())
    metrics.domain_redirects_age.set_function(domains.age_s)
    return _create_redirect(settings, metrics, tasks, lookups, spool, places, domains), checks


def _open_click_path(
    settings: Settings, metrics: RedirectorMetrics, stack: AsyncExitStack, tasks: asyncio.TaskGroup
) -> tuple[ClickSpool, AdoptedSpools, ClickPublisher]:
    """Open what a click goes through here: its spool on disk, and what publishes from it."""
    spool = ClickSpool(
        SpoolFolder.plan(settings.spool.dir),
        segment_bytes=settings.spool.segment_bytes,
        max_bytes=settings.spool.max_bytes,
        metrics=metrics,
    )
    stack.callback(spool.close)
    tasks.create_task(spool.sync_every(settings.spool.fsync_ms / 1000))
    adopted = AdoptedSpools(settings.spool.dir, metrics=metrics)
    stack.callback(adopted.release)
    publisher = ClickPublisher(
        url=settings.amqp.url,
        name=settings.instance or "redirector",
        spool=spool,
        adopted=adopted,
        max_clicks=settings.publish.max_clicks,
        linger_s=settings.publish.linger_ms / 1000,
        timeout_s=settings.publish.timeout_ms / 1000,
        metrics=metrics,
    )
    publishing = tasks.create_task(publisher.run())
    stack.push_async_callback(
        drain_within, publisher, publishing, settings.publish.drain_ms / 1000
    )
    metrics.spool_bytes.set_function(lambda: spool.backlog_bytes + adopted.left_bytes)
    metrics.spool_clicks.set_function(lambda: spool.backlog_clicks)
    metrics.spool_limit.set(settings.spool.max_bytes)
    metrics.spool_age.set_function(publisher.oldest_age_s)
    return spool, adopted, publisher


def _create_redirect(
    settings: Settings,
    metrics: RedirectorMetrics,
    tasks: asyncio.TaskGroup,
    lookups: Lookups,
    spool: ClickSpool,
    places: NoPlaces | MaxMindPlaces,
    domains: DomainTable,
) -> Redirect:
    """Make what answers visitors."""
    default_domain = settings.default_domain
    untracked = Untracked(settings.disable.track_param, settings.disable.patterns)
    recorder = ClickRecorder(
        ClickMaker(
            default_domain=default_domain,
            scheme=settings.public_scheme,
            visitor_hash_key=settings.visitor_hash_key,
            anonymize_ip=settings.track.anonymize_ip,
            places=None if settings.geoip.database is None else places,
        ),
        spool,
        track_orphans=settings.track.orphans,
        untracked=untracked,
    )
    not_found = NotFound(
        recorder,
        domains,
        default={
            "base_url": settings.default.base_url_redirect,
            "regular_404": settings.default.regular_404_redirect,
            "invalid_short_url": settings.default.invalid_short_url_redirect,
        },
        default_domain=default_domain,
    )
    robots = Robots(
        CrawlableLinks(lookups.engine),
        user_agents=settings.robots.user_agents,
        allows_all=settings.robots.allow_all_short_urls,
        default_domain=default_domain,
        timeout_s=settings.lookup.database_timeout_ms / 1000,
        tasks=tasks,
    )
    scan_limit = ScanLimit(
        # Each replica sees its part of what a visitor asks for.
        per_period=-(-settings.limit.unknown_per_minute // settings.replicas.redirector),
        exempt=settings.limit.exempt_networks(),
        clock=time.monotonic,
        metrics=metrics,
    )
    answers = Answers(
        recorder,
        rules=RedirectRules(places),
        untracked=untracked,
        not_found=not_found,
        scan_limit=scan_limit,
        metrics=metrics,
    )
    visits = JoinedVisits(
        resolver=lookups.resolver,
        visit_charge=VisitCharge(
            VisitLimit(lookups.primary_engine), is_bot=BotPatterns().is_bot, metrics=metrics
        ),
        answers=answers,
        max_waiting=settings.max_waiting_visitors,
        metrics=metrics,
        clock=time.time,
        tasks=tasks,
    )
    metrics.visitors_waiting.set_function(lambda: visits.waiting)
    return Redirect(
        visits=visits,
        answers=answers,
        not_found=not_found,
        scan_limit=scan_limit,
        pixel=TrackingPixel(
            resolver=lookups.resolver,
            recorder=recorder,
            metrics=metrics,
            default_domain=default_domain,
            clock=time.time,
            tasks=tasks,
        ),
        own_paths={ROBOTS_PATH: robots.take, "/favicon.ico": _showing(pages.FAVICON)},
        default_domain=default_domain,
        extra_path_mode=settings.redirect_extra_path_mode,
        status=settings.redirect_status,
    )


def _open_places(
    settings: Settings, stack: AsyncExitStack, tasks: asyncio.TaskGroup
) -> NoPlaces | MaxMindPlaces:
    if settings.geoip.database is None:
        return NoPlaces()
    places = MaxMindPlaces(settings.geoip.database)
    stack.callback(places.close)
    places.refresh()
    tasks.create_task(places.refresh_forever())
    return places


def _showing(page: Page) -> OwnPath:
    def show(_: Request, visitor: Visitor) -> None:
        visitor.show(page)

    return show
