"""The folder in which one stack keeps everything: data, logs, ports, the record of its run."""

import fcntl
import json
import os
import pwd
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from local_stack.errors import StackError
from local_stack.terminal import Report

PROJECT_ROOT = Path(__file__).resolve().parents[4]
HOME_MARKER = "QCK_STACK_HOME"
"""The environment variable by which the processes of one home are known."""
_UNFIT = "'\"\\$`\n*?["
"""What a folder's name must not have: RabbitMQ hangs with the first, nginx expands `$`, and takes
the last three for a pattern that fits nothing, so that it serves nobody and says so to nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """What a later command must know of a running stack."""

    started_at: str
    public_port: int
    api_port: int
    programs: list[str]
    ports: dict[str, int]
    environment: dict[str, str]


class Home:
    """The layout of a stack's folder; other users may pass through it but read nothing in it."""

    __slots__ = ("path",)

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    def create(self) -> None:
        """Make the folders.

        Raises:
            StackError: this user may not write there, another one has it, or servers cannot.
        """
        if found := [character for character in _UNFIT if character in str(self.path)]:
            raise StackError(
                f"servers cannot work in {self.path}: its name must be without {' '.join(found)}"
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.require_own()
            # Servers that run as users of their own come through here; files are mode 600.
            self.path.chmod(0o711)
            for name in ("logs", "programs", "run", "spool"):
                self.folder(name)
        except OSError as error:
            raise StackError(f"{self.path} cannot be written: {error.strerror}") from error

    def require_own(self) -> None:
        """Refuse a home of another user, to root as well, whose files that user could not use.

        Raises:
            StackError: it is one; with whose.
        """
        owner = self.path.stat().st_uid
        if owner == os.geteuid():
            return
        try:
            name = pwd.getpwuid(owner).pw_name
        except KeyError:
            name = f"user {owner}"
        raise StackError(
            f"{self.path} belongs to {name}: start the stack as {name}, or a checkout of your own"
        )

    def folder(self, name: str) -> Path:
        """Return the private folder `name`, made if missing."""
        folder = self.path / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def log(self, program: str) -> Path:
        """Return the file that `program` logs to."""
        return self.path / "logs" / f"{program}.log"

    def log_bytes(self, program: str) -> int:
        """Return how long the program's log is by now."""
        try:
            return self.log(program).stat().st_size
        except FileNotFoundError:
            return 0

    def launcher(self, program: str) -> Path:
        """Return the script that runs `program`."""
        return self.path / "programs" / program

    @contextmanager
    def starting(self, report: Report) -> Iterator[None]:
        """Let one start at a time work on this home; a second one waits, and says so."""
        with (self.path / "run" / "start.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                report.say(f"waiting for another start in {self.path}")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def wait_for_start(self, report: Report) -> None:
        """Return once nobody is about to start a stack in this home.

        Raises:
            StackError: it is another user's.
        """
        if (self.path / "run").is_dir():
            self.require_own()
            with self.starting(report):
                pass

    def write_record(self, record: RunRecord) -> None:
        """Keep what later commands must know."""
        write_private(self._record_file, json.dumps(asdict(record), indent=2))

    def read_record(self) -> RunRecord | None:
        """Return the record of the last start, if there was one.

        Raises:
            StackError: it is another user's.
        """
        try:
            return RunRecord(**json.loads(self._record_file.read_text()))
        except PermissionError:
            self.require_own()
            raise
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def read_ports(self) -> dict[str, int]:
        """Return the private ports of the last start."""
        try:
            ports = json.loads(self._ports_file.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return {str(name): int(port) for name, port in ports.items()}

    def write_ports(self, ports: Mapping[str, int]) -> None:
        """Keep the private ports, so that the next start can have the same ones."""
        write_private(self._ports_file, json.dumps(dict(ports), indent=2) + "\n")

    @property
    def _record_file(self) -> Path:
        return self.path / "run" / "stack.json"

    @property
    def _ports_file(self) -> Path:
        return self.path / "ports.json"


def write_private(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace `path` in one step by a file that only this user may read."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    draft.unlink(missing_ok=True)
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
            file.write(text)
    except OSError as error:
        draft.unlink(missing_ok=True)
        # A full disk is told without a name.
        raise OSError(error.errno, error.strerror, str(path)) from error
    draft.replace(path)
