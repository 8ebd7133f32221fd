"""Running the textbook's redirect: two processes of it, behind an nginx like ours."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from local_stack.ports import LOOPBACK, choose_ports
from shared import broker
from shared.settings import Secret
from tests.bench.process import running
from tests.bench.references.nginx import nginx
from tests.bench.references.textbook_app import QUEUE
from tests.bench.rounds import Target
from tests.bench.site import Site

PROCESSES = ("textbook-1", "textbook-2")

_HTTP = """\
    upstream textbook {{
        zone textbook 64k;
{servers}
        keepalive 256;
        keepalive_requests 1000000;
    }}
    server {{
        listen {address} backlog=4096;
        location / {{
            proxy_pass http://textbook;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Real-IP $remote_addr;
        }}
    }}
"""


@contextmanager
def textbook(folder: Path, port: int, site: Site, prefix: str) -> Iterator[Target]:
    """Run it while the block runs, on the Redis and the RabbitMQ of `site`."""
    folder.mkdir()
    ports = choose_ports(PROCESSES, wanted={}, avoid={port})
    environment = {
        "REDIS_URL": site.stack.urls.redis_url,
        "AMQP_URL": site.stack.urls.amqp_url,
        "KEY_PREFIX": prefix,
    }
    with ExitStack() as exits:
        processes = {
            name: exits.enter_context(
                running(_command(ports[name]), log=folder / f"{name}.log", environment=environment)
            )
            for name in PROCESSES
        }
        for name, process in processes.items():
            process.wait_listening(ports[name])
        pids = [process.pid for process in processes.values()]
        servers = "\n".join(f"        server {LOOPBACK}:{ports[name]};" for name in PROCESSES)
        http = _HTTP.format(servers=servers, address=f"{LOOPBACK}:{port}")
        front = exits.enter_context(nginx(folder / "nginx", port, http))
        yield Target(
            name="textbook",
            port=port,
            components=lambda: {
                "nginx": [front],
                "redirectors": pids,
                "redis": [site.stack.pid("redis")],
                "rabbitmq": [site.stack.pid("rabbitmq")],
            },
        )


def forget_messages(site: Site) -> None:
    """Empty its queue, which nobody reads: what piled up would slow its next round down."""
    asyncio.run(_purge(site.stack.urls.amqp_url))


async def _purge(url: str) -> None:
    connection = await broker.connect(Secret(url), connection_name="bench")
    async with connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(QUEUE, durable=True)
        await queue.purge()


def _command(port: int) -> list[str]:
    return [
        sys.executable, "-m", "uvicorn", "tests.bench.references.textbook_app:app",
        "--host", LOOPBACK, "--port", str(port), "--loop", "uvloop", "--http", "httptools",
        "--no-access-log", "--log-level", "warning",
    ]  # fmt: skip
