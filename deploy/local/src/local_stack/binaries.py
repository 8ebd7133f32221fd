"""Where the servers' binaries are, also in the places where Debian keeps them off the PATH."""

import re
import shutil
from pathlib import Path

from local_stack.errors import StackError

OLDEST_POSTGRES = 14
SEARCH_PATH = ":".join(
    (
        "/usr/local/sbin",
        "/usr/local/bin",
        "/usr/sbin",
        "/usr/bin",
        "/sbin",
        "/bin",
        "/usr/lib/rabbitmq/bin",
    )
)


def find(name: str, search_path: str = SEARCH_PATH) -> Path | None:
    """Return the path of a server's binary; never Debian's wrapper that runs it as a service."""
    # /usr/sbin/rabbitmq-server changes to the user rabbitmq; the real one is in lib.
    if name.startswith("rabbitmq"):
        search_path = f"/usr/lib/rabbitmq/bin:{search_path}"
    found = shutil.which(name, path=search_path)
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
