"""Checks a service's settings with the release's own code. Runs in its container."""

import importlib
import os
import sys


def main(package: str) -> None:
    """Exit with every problem there is."""
    load = importlib.import_module("shared.settings").load
    settings = importlib.import_module(f"{package}.settings").Settings
    try:
        load(settings, os.environ)
    except Exception as error:  # the release's own kind of error, whose text is for people
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1])
