"""qck's own processes: what each is told, and how it is run."""

import sys
from collections.abc import Mapping

from local_stack import readiness
from local_stack.home import Home
from local_stack.ports import LOOPBACK
from local_stack.program import Program
from local_stack.urls import create_urls

MODULES = {
    "redirector-1": "redirector",
    "redirector-2": "redirector",
    "shortener": "shortener",
    "click-ingest": "click_ingest",
}

NOT_FOR_SERVICES = frozenset(
    {
        "PUBLIC_PORT",
        "API_PORT",
        "TRUSTED_PROXIES",
        "PROMETHEUS_SPEED",
        "GRAFANA_PORT",
        "LIMIT_PUBLIC_PER_S",
        "LIMIT_PUBLIC_BURST",
        "LIMIT_API_PER_S",
        "LIMIT_API_BURST",
        "LIMIT_SLOW_CLIENT_S",
        "POSTGRES_PASSWORD",
        "REDIS_PASSWORD",
        "RABBITMQ_PASSWORD",
        "DATABASE_READ_URL",
    }
)
"""Settings of the stack itself, or of containers, whose addresses mean nothing here; and the
replica's, since the one database here is the only one with these links."""


def environment(
    name: str, *, home: Home, ports: Mapping[str, int], settings: Mapping[str, str]
) -> dict[str, str]:
    """Return the settings of service `name`: those in .env, and where its servers are."""
    urls = create_urls(ports, settings)
    return {
        **{key: text for key, text in settings.items() if text and key not in NOT_FOR_SERVICES},
        "HTTP_HOST": LOOPBACK,
        "HTTP_PORT": str(ports[name]),
        "DATABASE_URL": urls.database_url,
        "REDIS_URL": urls.redis_url,
        "AMQP_URL": urls.amqp_url,
        "SPOOL_DIR": str(home.path / "spool"),
        # Whatever .env has for containers: nginx does no TLS here.
        "PUBLIC_SCHEME": "http",
        "INSTANCE": name,
    }


def program(
    name: str, *, home: Home, ports: Mapping[str, int], settings: Mapping[str, str]
) -> Program:
    """Describe service `name`."""
    port = ports[name]
    return Program(
        name=name,
        # -P: the folder that it runs in is no place to import from.
        command=(sys.executable, "-P", "-m", MODULES[name]),
        folder=home.path,
        port=port,
        probe=lambda: readiness.service_answers(port),
        environment=environment(name, home=home, ports=ports, settings=settings),
        stop_within_s=10,
    )
