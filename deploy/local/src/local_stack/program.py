"""One supervised program: what runs, as whom, and how it ends."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What is needed to run, probe and stop one program.

    `probe` returns the state in a word or raises OSError. `death_signal` is what the kernel sends
    when supervisord dies, so that not even its SIGKILL leaves programs behind.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    port: int
    probe: Callable[[], str]
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """Configuration files to be written into `folder` before each start."""
    user: str | None = None
    reaches_home: bool = True
    """Whether `user` can get to `folder` by its own permissions."""
    stop_signal: str = "TERM"
    stop_within_s: int = 8
    death_signal: str = "TERM"
    before: tuple[str, ...] = ()
    """A command that has to end well before `command` can begin."""

    def launcher(self) -> str:
        """Return the shell script that becomes this program."""
        lines = [
            "#!/bin/sh",
            f"# How the local stack runs {self.name}; written anew at each start.",
            "set -eu",
            *(f"export {name}={shlex.quote(text)}" for name, text in self.environment.items()),
            f"cd {shlex.quote(str(self.folder))}",
        ]
        if self.before:
            lines.append(shlex.join(self.before))
        lines.append(f"exec {shlex.join([*self.wrapper(), *self.command])}")
        return "\n".join(lines) + "\n"

    def wrapper(self) -> list[str]:
        """Return the command that the program's own is an argument of."""
        return ["setpriv", f"--pdeathsig={self.death_signal}", *self.as_user(), "--"]

    def as_user(self) -> list[str]:
        """Return the options of setpriv that make the process `user`'s."""
        if self.user is None:
            return []
        options = [f"--reuid={self.user}", f"--regid={self.user}", "--init-groups"]
        if not self.reaches_home:
            # A checkout in /root is closed to everybody else; lift just the file permissions.
            options += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
        return options
