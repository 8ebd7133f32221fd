"""The order in which a stack comes up and goes down.

The slow ones go first: RabbitMQ boots while PostgreSQL's data folder is made and the schema is
migrated, and services do not wait for it, because they can do without it.
"""

import time
from collections.abc import Iterable, Mapping

from local_stack import migrations, postgres, users, waiting
from local_stack.home import Home, write_private
from local_stack.program import Program
from local_stack.programs import EXTRAS, SERVICES, STOP_ORDER
from local_stack.supervision import Supervisor
from local_stack.terminal import Report

READY_WITHIN_S = 90.0
STOPPED_WITHIN_S = 30.0


def write_files(home: Home, described: Iterable[Program]) -> None:
    """Write what the programs read: configuration and the script that runs each."""
    for program in described:
        for name, text in program.files.items():
            write_private(program.folder / name, text)
        if program.user is not None:
            for path in (program.folder, *(program.folder / name for name in program.files)):
                users.give(path, program.user)
        write_private(home.launcher(program.name), program.launcher(), mode=0o700)


def bring_up(
    described: Mapping[str, Program],
    *,
    supervisor: Supervisor,
    home: Home,
    settings: Mapping[str, str],
    report: Report,
) -> None:
    """Start every program and return when all are ready.

    Raises:
        StackError: one of them does not come up; the rest is left running.
    """
    began = time.monotonic()
    logs_from = {name: home.log_bytes(name) for name in described}

    def ready(name: str) -> None:
        report.say(f"  {name:<13} ready after {time.monotonic() - began:4.1f} s")

    def start(*names: str) -> dict[str, Program]:
        chosen = {name: described[name] for name in names if name in described}
        for name in chosen:
            supervisor.start_program(name)
        return chosen

    def wait(waited_for: Mapping[str, Program]) -> None:
        waiting.until_ready(
            waited_for,
            supervisor=supervisor,
            home=home,
            within_s=READY_WITHIN_S,
            on_ready=ready,
            logs_from=logs_from,
        )

    wait(start("epmd", "redis", "nginx"))
    slow = start("rabbitmq")
    if "postgres" in described:
        if not postgres.has_data(described["postgres"]):
            report.progress("creating the database")
        postgres.prepare(described["postgres"], settings["POSTGRES_PASSWORD"])
        wait(start("postgres"))
    own = [described[name] for name in SERVICES if name in described]
    if own and "postgres" in described:
        report.progress("migrating the database")
        migrations.migrate(home, own[0].environment)
    wait({**start(*SERVICES, *EXTRAS), **slow})


def take_down(names: Iterable[str], *, supervisor: Supervisor, report: Report) -> None:
    """Stop the programs from the visitors inwards, then supervisord."""
    present = set(names)
    for tier in STOP_ORDER:
        stopping = [name for name in tier if name in present]
        if not stopping:
            continue
        report.progress(f"stopping {', '.join(stopping)}")
        for name in stopping:
            supervisor.stop_program(name)
        waiting.until_stopped(stopping, supervisor=supervisor, within_s=STOPPED_WITHIN_S)
    supervisor.shut_down(within_s=STOPPED_WITHIN_S)
