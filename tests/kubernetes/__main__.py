"""`python -m tests.kubernetes`: render every overlay and hold it to Kubernetes' own schemas.

Where kubectl is installed, what it renders is compared with what is rendered here.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.kubernetes.kustomize import render
from tests.kubernetes.schemas import NEWEST, OLDEST, problems

OVERLAYS = Path(__file__).parents[2] / "deploy" / "kubernetes" / "overlays"


def main() -> int:
    """Check; return the exit status."""
    found = []
    folders = sorted(path.parent for path in OVERLAYS.glob("*/kustomization.yaml"))
    for folder in folders:
        resources = render(folder)
        for version in (OLDEST, NEWEST):
            found += [f"{folder.name}: {text}" for text in problems(resources, version)]
        if shutil.which("kubectl") and _by_name(_kubectl(folder)) != _by_name(resources):
            found.append(f"{folder.name}: kubectl kustomize renders something else")
    for text in found:
        sys.stderr.write(f"{text}\n")
    if not found:
        sys.stdout.write(f"Kubernetes: {len(folders)} overlays render and are valid\n")
    return 1 if found or not folders else 0


def _kubectl(folder: Path) -> list[dict[str, Any]]:
    command = ["kubectl", "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return list(yaml.safe_load_all(done.stdout))


def _by_name(resources: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(each["kind"], each["metadata"]["name"]): each for each in resources}


if __name__ == "__main__":
    sys.exit(main())
