"""End what a killed program left behind: `python -m local_stack.orphans HOME NAME`."""

import sys
from pathlib import Path

from local_stack import processes


def main() -> None:
    """End every process of the home that has the given name."""
    home, name = sys.argv[1:]
    processes.end(processes.remnants(Path(home), {name}), within_s=2)


if __name__ == "__main__":
    main()
