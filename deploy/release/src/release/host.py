"""The folder on the Docker host where releases are kept and from which containers mount.

The host may be another machine, so everything goes through the engine: a short-lived container
that has the folder mounted, with a tar file on its standard input or output.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from release.docker import Docker
from release.errors import ReleaseError
from release.record import Release, pack, unpack, unpack_release

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")

_READ = 'if [ -f "/host/$1" ]; then cat "/host/$1"; fi'
_WRITE = (
    'umask 077 && mkdir -p "/host/$(dirname "$1")" && cat >"/host/$1.new" && sync'
    ' && mv -f "/host/$1.new" "/host/$1"'
)
_SECRETS = "if [ -d /host/files/secrets ]; then tar -c -C /host/files/secrets -f - .; fi"
# Only root passes the folder of secrets; in a container each file is mounted by itself. Its
# folder of certificates is mounted as a whole, by a user who is not root.
_EXTRACT = (
    "umask 022 && mkdir -p /host/files/secrets && chmod 700 /host/files/secrets"
    " && tar -x -C /host/files --no-same-owner -p -f -"
    " && { [ ! -d /host/files/secrets/tls ] || chmod 755 /host/files/secrets/tls; }"
)


@dataclass(frozen=True, slots=True)
class Host:
    """That folder; `image` is any that has a shell and tar."""

    docker: Docker
    folder: str
    image: str = field(kw_only=True)

    @property
    def mounted(self) -> str:
        """The path on the host of the files that containers mount."""
        return f"{self.folder}/files"

    def read(self, name: str) -> bytes:
        """Return what a file of the folder has; nothing if there is none."""
        return self._run(_READ, name)

    def write(self, name: str, content: bytes) -> None:
        """Write a file, whole or not at all."""
        self._run(_WRITE, name, given=content)

    def place(self, files: Mapping[str, bytes]) -> None:
        """Put what containers mount in its place."""
        modes = {name: 0o444 for name in files if name.startswith("secrets/")}
        modes |= {name: 0o755 for name, text in files.items() if text.startswith(b"#!")}
        self._run(_EXTRACT, given=pack(files, modes))

    def secrets(self) -> dict[str, bytes]:
        """Return the secrets that are in place."""
        data = self._run(_SECRETS)
        return {f"secrets/{name}": text for name, text in unpack(data).items()} if data else {}

    def keep(self, release: Release) -> None:
        """Keep a release."""
        self.write(f"releases/{release.name}.tar", release.pack())

    def forget(self, name: str) -> None:
        """Keep a release no longer."""
        self._run('rm -f "/host/releases/$1.tar"', name)

    def release(self, name: str) -> Release | None:
        """Return a release that was kept.

        Raises:
            ReleaseError: its record cannot be read.
        """
        data = self.read(f"releases/{name}.tar") if _NAME.fullmatch(name) else b""
        return unpack_release(data) if data else None

    def read_json(self, name: str) -> dict[str, object]:
        """Return an object that was written with `write_json`; an empty one if there is none.

        Raises:
            ReleaseError: it is something else.
        """
        data = self.read(name)
        try:
            content = json.loads(data) if data else {}
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise ReleaseError(f"{self.folder}/{name} on the Docker host cannot be read")
        return content

    def write_json(self, name: str, content: Mapping[str, object]) -> None:
        """Write an object."""
        self.write(name, json.dumps(content, indent=1).encode() + b"\n")

    def _run(self, script: str, *arguments: str, given: bytes | None = None) -> bytes:
        return self.docker.run(
            "run", "--rm", "-i", "--network", "none", "--user", "0", "--entrypoint", "sh",
            "-v", f"{self.folder}:/host", self.image, "-euc", script, "sh", *arguments,
            given=given,
        )  # fmt: skip
