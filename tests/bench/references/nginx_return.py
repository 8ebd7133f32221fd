"""The ceiling: nginx answers every visit with the same redirect and knows no links at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack.ports import LOOPBACK
from tests.bench.references.nginx import nginx
from tests.bench.rounds import Target

_HTTP = """\
    server {{
        listen {address} backlog=4096;
        location / {{
            return 302 https://example.org/articles/spring;
        }}
    }}
"""


@contextmanager
def nginx_return(folder: Path, port: int) -> Iterator[Target]:
    """Run it while the block runs."""
    with nginx(folder, port, _HTTP.format(address=f"{LOOPBACK}:{port}")) as pid:
        yield Target(name="nginx return 302", port=port, components=lambda: {"nginx": [pid]})
