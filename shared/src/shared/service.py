"""How a service's process starts: settings, logging, then uvicorn with this design's limits."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import msgspec
import uvicorn
from starlette.applications import Starlette

from shared.http_protocol import Utf8TargetProtocol
from shared.logging import configure_logging
from shared.pool_limits import pool_problems
from shared.settings import HttpSettings, LogSettings, SettingsError, load

KEEP_ALIVE_S = 75
"""Longer than nginx keeps an idle upstream connection (60 s), so that nginx closes first."""

GRACEFUL_SHUTDOWN_S = 8
"""For open requests on SIGTERM; the lifespan's own drain comes after it."""


class ServiceSettings(Protocol):
    """What the start of every service reads."""

    @property
    def instance(self) -> str:
        """This process's name."""

    @property
    def http(self) -> HttpSettings:
        """Where it listens."""

    @property
    def log(self) -> LogSettings:
        """How it logs."""


S = TypeVar("S", bound=msgspec.Struct)


def run_service(
    name: str,
    settings_class: type[S],
    create_app: Callable[[S], Starlette],
    environment: Mapping[str, str],
    protocol: type[Utf8TargetProtocol] = Utf8TargetProtocol,
) -> None:
    """Run a service until SIGTERM; with wrong settings print all of them and exit with 2.

    Wrong are also budgets of connections that do not fit into the servers' limits.
    """
    try:
        settings = load(settings_class, environment)
        _start_logging(name, settings)  # type: ignore[arg-type]
        if problems := asyncio.run(pool_problems(settings)):
            raise SettingsError(problems)
    except SettingsError as error:
        print(f"{name}: {error}", file=sys.stderr)  # noqa: T201 - for the person who starts it
        raise SystemExit(2) from None
    serve(settings, create_app(settings), protocol)  # type: ignore[arg-type]


def _start_logging(name: str, settings: ServiceSettings) -> None:
    configure_logging(settings.log, service=name, instance=settings.instance or name)


def serve(settings: ServiceSettings, app: Starlette, protocol: type[Utf8TargetProtocol]) -> None:
    """Serve `app`; nginx in front sends its own date and server headers and the access log."""
    uvicorn.run(
        app,
        host=settings.http.host,
        port=settings.http.port,
        loop="uvloop",
        http=protocol,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
        backlog=4096,
    )
