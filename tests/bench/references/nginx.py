"""An nginx of a reference's own, set up as well as ours, and without an access log."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from local_stack import binaries
from tests.bench.process import running

_MAIN = """\
{modules}
daemon off;
worker_processes auto;
worker_rlimit_nofile 16384;
worker_shutdown_timeout 1s;
pid {folder}/nginx.pid;
error_log stderr warn;

events {{
    worker_connections 4096;
}}

http {{
    client_body_temp_path {folder}/client_body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;

    access_log off;
    server_tokens off;
    keepalive_requests 1000000;
{http}
}}
"""


@contextmanager
def nginx(folder: Path, port: int, http: str, modules: Sequence[Path] = ()) -> Iterator[int]:
    """Run nginx with `http` in its configuration while the block runs; return its pid."""
    folder.mkdir(exist_ok=True)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        _MAIN.format(
            folder=folder,
            modules="\n".join(f"load_module {path};" for path in modules),
            http=http,
        )
    )
    command = [binaries.require("nginx"), "-e", "stderr", "-c", str(configuration)]
    with running(command, log=folder / "nginx.log") as server:
        server.wait_listening(port)
        yield server.pid
