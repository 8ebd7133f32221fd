"""The docker command, on the engine that the operator means: this machine's or a context's."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from release.errors import CommandError

LAST_LINES = 15
PASSED_ON = ("PATH", "HOME", "SSH_AUTH_SOCK", "TERM", "LANG", "TMPDIR", "XDG_RUNTIME_DIR")
"""Of the operator's environment, with all of Docker's own. Settings come from `.env` alone: a
variable of the shell would be gone at the rollback."""


@dataclass(frozen=True, slots=True)
class Docker:
    """Runs docker; `environment` is the operator's, `project` the name of everything of ours."""

    project: str
    environment: Mapping[str, str] = field(repr=False)

    def run(
        self,
        *arguments: str,
        given: bytes | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> bytes:
        """Run `docker ARGUMENTS` with `given` as its input; return what it prints.

        Raises:
            CommandError: it failed; with the end of what it said.
        """
        done = self.attempt(*arguments, given=given, extra=extra)
        if done.returncode != 0:
            raise CommandError(explain(arguments, done.stdout, done.stderr))
        return done.stdout

    def attempt(
        self,
        *arguments: str,
        given: bytes | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run it, and leave it to the caller what a failure means.

        Raises:
            CommandError: there is no docker command.
        """
        try:
            return subprocess.run(
                ["docker", *arguments],
                input=b"" if given is None else given,
                env=self.clean_environment(extra),
                capture_output=True,
                check=False,
            )
        except FileNotFoundError:
            raise CommandError("there is no docker command here: install Docker first") from None

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start it with pipes, out of the reach of Ctrl-C: that is for this process."""
        return subprocess.Popen(
            ["docker", *arguments],
            env=self.clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def clean_environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return what docker gets to see of the environment."""
        passed_on = {
            name: value
            for name, value in self.environment.items()
            if name in PASSED_ON or name.startswith(("DOCKER_", "BUILDKIT_", "BUILDX_"))
        }
        return {**passed_on, **(extra or {})}


def explain(arguments: Sequence[str], stdout: bytes, stderr: bytes) -> str:
    """Return which command failed, and the end of what it said."""
    said = (stdout + b"\n" + stderr).decode(errors="replace").splitlines()
    last = [line for line in said if line.strip()][-LAST_LINES:]
    # The command's name is enough: its options are paths and a page long.
    words = [word for word in arguments if not word.startswith(("-", "/"))][:4]
    return "\n".join([f"docker {' '.join(words)} failed:", *(f"  | {line}" for line in last)])
