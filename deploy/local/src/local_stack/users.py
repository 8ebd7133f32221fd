"""Running a server as another user when root starts the stack."""

import os
import pwd
import subprocess
from pathlib import Path


def is_root() -> bool:
    """Tell whether this process may become another user."""
    return os.geteuid() == 0


def has_user(name: str) -> bool:
    """Tell whether the machine knows the user `name`."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def can_reach(user: str, folder: Path) -> bool:
    """Tell whether `user` can get into `folder` by its own permissions."""
    tried = subprocess.run(
        ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "test", "-x", folder],
        check=False,
    )
    return tried.returncode == 0


def give(path: Path, user: str) -> None:
    """Make `user` the owner of `path`."""
    entry = pwd.getpwnam(user)
    os.chown(path, entry.pw_uid, entry.pw_gid)
