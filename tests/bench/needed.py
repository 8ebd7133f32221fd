"""What the benchmark needs beside the servers of the stack: wrk, and nginx's Lua."""

from pathlib import Path

from local_stack import binaries
from local_stack.install import Package, ensure_installed
from local_stack.programs import ALL
from local_stack.terminal import Report

MODULES = Path("/usr/lib/nginx/modules")
NGINX_MODULES = ("ndk_http_module.so", "ngx_http_lua_module.so")
"""In the order in which nginx has to load them."""

PACKAGES: tuple[Package, ...] = (
    ("wrk", lambda: binaries.find("wrk")),
    ("libnginx-mod-http-lua", lambda: all((MODULES / name).exists() for name in NGINX_MODULES)),
)


def ensure_needed(report: Report) -> None:
    """Install what is missing of it and of the servers.

    Raises:
        StackError: this user may not, or apt failed; with what to do.
    """
    ensure_installed(ALL, report, PACKAGES)
