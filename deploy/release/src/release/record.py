"""A release: which images, with which settings and configuration files."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from release.dotenv import read_setting
from release.errors import ReleaseError

COMPOSE_FILE = "docker-compose.yml"
ENV_FILE = ".env"
_RECORD = "release.json"


@dataclass(frozen=True, slots=True)
class Release:
    """All that brings it back later: `files` are those that Compose reads and containers mount."""

    name: str
    tag: str
    """That of its images."""
    revision: str
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def env(self) -> str:
        """The text of its `.env`."""
        return self.files[ENV_FILE].decode()

    @property
    def compose_files(self) -> list[str]:
        """What Compose reads, in order; COMPOSE_FILE of its `.env` adds overlays."""
        names = read_setting(self.env, "COMPOSE_FILE", COMPOSE_FILE).split(":")
        return [str(PurePosixPath(name)) for name in names]

    @property
    def image_prefix(self) -> str:
        """What stands before the names of its images: a registry, if they are pulled."""
        return read_setting(self.env, "IMAGE_PREFIX", "qck")

    @property
    def mounted_files(self) -> dict[str, bytes]:
        """Those that containers mount."""
        return {name: text for name, text in self.files.items() if name.startswith("deploy/")}

    @property
    def fingerprint(self) -> str:
        """What tells two releases of the same images apart: settings and configuration."""
        digest = hashlib.sha256(self.tag.encode())
        for name in sorted(self.files):
            digest.update(f"\0{name}\0".encode() + hashlib.sha256(self.files[name]).digest())
        return digest.hexdigest()

    def named(self, name: str) -> "Release":
        """Return the same under another name."""
        return Release(name, self.tag, self.revision, self.files)

    def pack(self) -> bytes:
        """Return it as a tar file."""
        about = {"name": self.name, "tag": self.tag, "revision": self.revision}
        return pack({**self.files, _RECORD: json.dumps(about).encode()})


def unpack_release(data: bytes) -> Release:
    """Read what `Release.pack` wrote.

    Raises:
        ReleaseError: it is something else.
    """
    try:
        files = unpack(data)
        about = json.loads(files.pop(_RECORD))
        return Release(about["name"], about["tag"], about["revision"], files)
    except (KeyError, ValueError, tarfile.TarError) as error:
        raise ReleaseError(f"the record of the release cannot be read: {error!r}") from error


def pack(files: Mapping[str, bytes], modes: Mapping[str, int] | None = None) -> bytes:
    """Return a tar file with these files, readable by all unless `modes` has another mode."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(name)
            entry.size = len(files[name])
            entry.mode = (modes or {}).get(name, 0o644)
            archive.addfile(entry, io.BytesIO(files[name]))
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """Return the files of a tar file."""
    files = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for entry in archive:
            content = archive.extractfile(entry) if entry.isfile() else None
            if content is not None:
                files[entry.name.removeprefix("./")] = content.read()
    return files
