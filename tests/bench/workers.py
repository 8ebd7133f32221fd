"""Click-ingest workers as processes of their own, and when each of them began to consume."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

from local_stack.ports import choose_ports
from local_stack.stack import Stack
from tests.bench.process import Server, running

CONSUMING = "consuming_started"


@contextmanager
def running_workers(stack: Stack, count: int, folder: Path) -> Iterator[Sequence[Server]]:
    """Run so many workers on the stores of `stack`, their logs in `folder`, until the block ends.

    They start side by side, so that none has the queue to itself while another one starts.
    """
    names = [f"click-ingest-{number}" for number in range(1, count + 1)]
    ports = choose_ports(names, wanted={})
    with ExitStack() as exits:
        servers = [
            exits.enter_context(
                running(
                    [sys.executable, "-P", "-m", "click_ingest"],
                    log=folder / f"{name}.log",
                    environment={
                        **stack.service_environment("click-ingest"),
                        "INSTANCE": name,
                        "HTTP_PORT": str(ports[name]),
                        "REPLICAS_CLICK_INGEST": str(count),
                        "LOG_FORMAT": "json",
                        "LOG_LEVEL": "info",
                    },
                )
            )
            for name in names
        ]
        for name, server in zip(names, servers, strict=True):
            server.wait_listening(ports[name])
        yield servers


def consuming_since(log: str) -> float:
    """Return the Unix time at which a worker began to consume, out of its log.

    Raises:
        ValueError: it did not.
    """
    for line in log.splitlines():
        if CONSUMING in line:
            said = json.loads(line)["timestamp"]
            return datetime.fromisoformat(said).timestamp()
    raise ValueError(f"the worker did not say {CONSUMING}: {log}")
