"""Packages that libraries load just because they are installed, kept out of a process."""

import sys


def leave_out(*packages: str) -> None:
    """Have every later import of these packages fail as if they were not installed.

    None in `sys.modules` means that by Python's own rules. An image has none of them anyway; an
    environment that all services and their tests share does.
    """
    for package in packages:
        sys.modules.setdefault(package, None)  # type: ignore[arg-type]
