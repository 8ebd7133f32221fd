"""Where the servers' binaries are, also in the places where Debian keeps them off the PATH."""

import re
import shutil
from pathlib import Path

from local_stack.errors import StackError

OLDEST_POSTGRES = 14
SEARCH_PATH = ":".join(
    (
        # First: what Debian has of it in /usr/sbin are wrappers that change to the user rabbitmq,
        # who is not let in by a node of ours.
        "/usr/lib/rabbitmq/bin",
        "/usr/local/sbin",
        "/usr/local/bin",
        "/usr/sbin",
        "/usr/bin",
        "/sbin",
        "/bin",
    )
)


def find(name: str) -> Path | None:
    """Return the path of a server's binary."""
    found = shutil.which(name, path=SEARCH_PATH)
    return Path(found) if found else None


def require(name: str) -> str:
    """Return the path of a binary that must be there.

    Raises:
        StackError: it is not.
    """
    path = find(name)
    if path is None:
        raise StackError(f"{name} is not installed")
    return str(path)


def postgres_folder(
    major: int | None = None, libraries: Path = Path("/usr/lib/postgresql")
) -> Path | None:
    """Return the folder with `postgres` and `initdb`: of version `major`, or the newest."""
    versions = {
        int(folder.parent.name): folder
        for folder in libraries.glob("*/bin")
        if re.fullmatch(r"\d+", folder.parent.name) and (folder / "initdb").exists()
    }
    fit = [version for version in versions if version >= OLDEST_POSTGRES]
    if major is None:
        return versions[max(fit)] if fit else None
    return versions.get(major)
