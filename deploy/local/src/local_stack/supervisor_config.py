"""The configuration of supervisord: every program restarted for ever, none started by itself."""

import resource
import shlex
from collections.abc import Sequence

from local_stack.home import Home
from local_stack.program import Program

# The socket's path may have 107 bytes, which a checkout deep in a tree exceeds. supervisord works
# in the socket's folder, so this name for it always fits.
SOCKET = "supervisor.sock"
_SOCKET_PATH = f"/proc/self/cwd/{SOCKET}"

MAX_OPEN_FILES = 65_536

_DAEMON = """\
[unix_http_server]
file = {socket}
chmod = 0700

[supervisord]
nodaemon = true
silent = true
{user}logfile = {logs}/supervisord.log
logfile_maxbytes = 5MB
logfile_backups = 1
pidfile = {run}/supervisord.pid
minfds = {open_files}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
"""

# With startsecs = 0 a program that dies is started again within a second, however often: the
# stack itself decides when to give up. Any other value makes the pauses grow.
_PROGRAM = """
[program:{name}]
command = {command}
directory = {folder}
autostart = false
autorestart = true
startsecs = 0
stopsignal = {stop_signal}
stopwaitsecs = {stop_within_s}
killasgroup = true
redirect_stderr = true
stdout_logfile = {log}
stdout_logfile_maxbytes = 20MB
stdout_logfile_backups = 1
priority = {priority}
"""


def render(home: Home, programs: Sequence[Program], *, as_root: bool) -> str:
    """Return supervisord.conf; `programs` come in the order in which they start."""
    daemon = _DAEMON.format(
        socket=_SOCKET_PATH,
        user="user = root\n" if as_root else "",
        logs=_escaped(home.folder("logs")),
        run=_escaped(home.folder("run")),
        open_files=_open_files(),
    )
    sections = [
        _PROGRAM.format(
            name=program.name,
            command=_escaped(shlex.join(["/bin/sh", str(home.launcher(program.name))])),
            folder=_escaped(program.folder),
            stop_signal=program.stop_signal,
            stop_within_s=program.stop_within_s,
            log=_escaped(home.log(program.name)),
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


def _escaped(text: object) -> str:
    return str(text).replace("%", "%%")
