"""Redis: a cache without persistence, with its password in a private file."""

from local_stack import binaries, readiness
from local_stack.home import PROJECT_ROOT, Home
from local_stack.program import Program


def program(home: Home, port: int, password: str) -> Program:
    """Describe the server."""
    folder = home.folder("redis")
    configuration = (
        f'include "{PROJECT_ROOT}/deploy/redis/redis.conf"\n'
        "bind 127.0.0.1\n"
        f"port {port}\n"
        f"requirepass {_quoted(password)}\n"
        f'dir "{folder}"\n'
        "daemonize no\n"
    )
    return Program(
        name="redis",
        command=(binaries.require("redis-server"), str(folder / "redis.conf")),
        folder=folder,
        port=port,
        probe=lambda: readiness.redis_answers(port, password),
        files={"redis.conf": configuration},
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
