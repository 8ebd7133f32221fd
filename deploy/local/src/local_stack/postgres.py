"""PostgreSQL: its configuration, and a data folder that is either complete or not there."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from local_stack import binaries, readiness, users
from local_stack.errors import StackError
from local_stack.home import PROJECT_ROOT, Home, write_private
from local_stack.processes import remnants
from local_stack.program import Program

ROLE = DATABASE = "qck"
SERVER_USER = "postgres"

_CONFIGURATION = """\
include '{common}'
data_directory = '{data}'
hba_file = '{folder}/pg_hba.conf'
ident_file = '{folder}/pg_ident.conf'
listen_addresses = '127.0.0.1'
port = {port}
# A socket's path may have 107 bytes, which a checkout deep in a tree exceeds.
unix_socket_directories = ''
"""


def program(home: Home, port: int) -> Program:
    """Describe the server; as root it runs as the user that Debian's package made for it."""
    folder = home.folder("postgres")
    data = folder / "data"
    user = SERVER_USER if users.is_root() else None
    return Program(
        name="postgres",
        command=(
            str(_binaries(data) / "postgres"),
            "-D",
            str(data),
            "-c",
            f"config_file={folder}/postgresql.conf",
        ),
        folder=folder,
        port=port,
        probe=lambda: readiness.postgres_answers(port),
        files={
            "postgresql.conf": _CONFIGURATION.format(
                common=PROJECT_ROOT / "deploy/postgres/postgresql.conf",
                data=data,
                folder=folder,
                port=port,
            ),
            "pg_hba.conf": "host all all 127.0.0.1/32 scram-sha-256\n",
            "pg_ident.conf": "",
        },
        user=user,
        reaches_home=user is None
        or (users.can_reach(user, home.path) and users.can_reach(user, PROJECT_ROOT)),
        # "Fast": sessions are ended, then a checkpoint is written. TERM would wait for clients.
        stop_signal="INT",
        death_signal="INT",
        stop_within_s=20,
    )


def has_data(server: Program) -> bool:
    """Tell whether the data folder has been made."""
    return (server.folder / "data").exists()


def prepare(server: Program, password: str) -> None:
    """Make the data folder if it is missing or half made, and set the role's password.

    Done with the server stopped, in its single-user mode, so no superuser can ever log in.

    Raises:
        StackError: PostgreSQL's own message.
    """
    data = server.folder / "data"
    stamp = server.folder / "password.sha256"
    digest = hashlib.sha256(password.encode()).hexdigest()
    _forget_dead_postmaster(data)
    if not has_data(server):
        _create(server, data, password)
    elif stamp.exists() and stamp.read_text() == digest:
        return
    else:
        _single_user(server, data, f"ALTER ROLE {ROLE} PASSWORD {_quoted(password)};\n")
    write_private(stamp, digest)


def _create(server: Program, data: Path, password: str) -> None:
    draft = data.with_name("data.draft")
    shutil.rmtree(draft, ignore_errors=True)
    # Writing all of it to disk costs seconds, and there is nothing of value in it so far.
    _run(
        server,
        "initdb",
        "--no-sync",
        "--no-instructions",
        "--auth=reject",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        f"--username={SERVER_USER}",
        "-D",
        str(draft),
    )
    # CREATEDB, so that tests can have a database each.
    _single_user(
        server,
        draft,
        f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD {_quoted(password)};\n"
        f"CREATE DATABASE {DATABASE} OWNER {ROLE};\n",
    )
    # Only a whole data folder ever has this name, so an interrupted first start is made good.
    draft.rename(data)


def _single_user(server: Program, data: Path, statements: str) -> None:
    output = _run(server, "postgres", "--single", "-D", str(data), "postgres", input=statements)
    # It exits with 0 whatever the statements did.
    if "ERROR:" in output or "FATAL:" in output:
        raise StackError(f"PostgreSQL could not be set up:\n{output.strip()}")


def _run(server: Program, name: str, *arguments: str, input: str = "") -> str:
    command = [*server.wrapper(), str(Path(server.command[0]).with_name(name)), *arguments]
    done = subprocess.run(
        command,
        input=input,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=server.folder,
        check=False,
    )
    if done.returncode != 0:
        raise StackError(f"{name} failed:\n{done.stdout.strip()}")
    return done.stdout


def _forget_dead_postmaster(data: Path) -> None:
    """Remove the lock file of a server that died, whose number another process may have by now."""
    lock = data / "postmaster.pid"
    if not lock.exists():
        return
    pid = lock.read_text().partition("\n")[0].strip()
    # By where it works: that number may have come to the server of another stack.
    if not any(str(process.pid) == pid for process in remnants(data, ("postgres",))):
        lock.unlink()


def _binaries(data: Path) -> Path:
    major = None
    if (data / "PG_VERSION").exists():
        major = int((data / "PG_VERSION").read_text())
    folder = binaries.postgres_folder(major)
    if folder is None and major is not None:
        raise StackError(
            f"{data} was made by PostgreSQL {major}, which is not installed:"
            f" install postgresql-{major}, or move that folder away and start afresh"
        )
    if folder is None:
        raise StackError("postgresql is not installed")
    return folder


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
