"""The configuration of supervisord: every program restarted for ever, none started by itself."""

import resource
from collections.abc import Sequence

from local_stack.program import Program

SOCKET = "run/supervisor.sock"

# supervisord works in the home, so it needs no name for it. A checkout's may have what is an
# expansion or a comment here, and make the socket's path longer than its 107 bytes.
_HOME = "/proc/self/cwd"

MAX_OPEN_FILES = 65_536

_DAEMON = """\
[unix_http_server]
file = {home}/{socket}
chmod = 0700

[supervisord]
nodaemon = true
silent = true
{user}logfile = {home}/logs/supervisord.log
logfile_maxbytes = 5MB
logfile_backups = 1
pidfile = {home}/run/supervisord.pid
minfds = {open_files}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[rpcinterface:session_weight]
supervisor.rpcinterface_factory = local_stack.session_weight:SessionWeight
"""

# With startsecs = 0 a program that dies is started again within a second, however often: the
# stack itself decides when to give up. Any other value makes the pauses grow.
_PROGRAM = """
[program:{name}]
command = /bin/sh programs/{name}
autostart = false
autorestart = true
startsecs = 0
stopsignal = {stop_signal}
stopwaitsecs = {stop_within_s}
killasgroup = true
redirect_stderr = true
stdout_logfile = {home}/logs/{name}.log
stdout_logfile_maxbytes = 20MB
stdout_logfile_backups = 1
priority = {priority}
"""


def render(programs: Sequence[Program], *, as_root: bool) -> str:
    """Return supervisord.conf; `programs` come in the order in which they start."""
    daemon = _DAEMON.format(
        home=_HOME,
        socket=SOCKET,
        user="user = root\n" if as_root else "",
        open_files=_open_files(),
    )
    sections = [
        _PROGRAM.format(
            name=program.name,
            home=_HOME,
            stop_signal=program.stop_signal,
            stop_within_s=program.stop_within_s,
            priority=100 + place,
        )
        for place, program in enumerate(programs)
    ]
    return daemon + "".join(sections)


def _open_files() -> int:
    """Return how many files and connections each program may have open: what the machine lets us.

    Bounded, because RabbitMQ makes tables in proportion.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
