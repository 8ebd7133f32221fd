"""A local stack of a test's own: free ports, fresh secrets, a folder that nobody else uses."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local_stack.environment import fresh_secrets
from local_stack.install import ensure_installed
from local_stack.ports import choose_ports
from local_stack.programs import ALL
from local_stack.stack import Stack
from local_stack.terminal import Terminal


def a_stack(
    home: Path,
    programs: Iterable[str] = ALL,
    environment: Mapping[str, str] | None = None,
) -> Stack:
    """Return a stack that has not been started, its servers installed."""
    doors = choose_ports(["public", "api"], wanted={})
    ensure_installed(programs := tuple(programs), Terminal())
    return Stack(
        home=home,
        public_port=doors["public"],
        api_port=doors["api"],
        environment={
            **fresh_secrets(),
            "DEFAULT_DOMAIN": f"localhost:{doors['public']}",
            **(environment or {}),
        },
        programs=programs,
    )


@contextmanager
def started_stack(
    home: Path,
    programs: Iterable[str] = ALL,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """Start a stack in the folder `home` and leave no process of it behind, come what may."""
    stack = a_stack(home, programs, environment)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


def nginx_workers(stack: Stack) -> list[int]:
    """Return the processes that serve, which its master forks."""
    master = (stack.home.folder("nginx") / "nginx.pid").read_text().strip()
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]
