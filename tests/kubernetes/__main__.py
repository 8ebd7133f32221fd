"""`python -m tests.kubernetes`: render every overlay and hold it to Kubernetes' own schemas.

Where there is a kubectl with Kustomize 5, what it renders is compared with what is rendered here.
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
    is_comparable = _has_kustomize()
    for folder in folders:
        resources = render(folder)
        for version in (OLDEST, NEWEST):
            found += [f"{folder.name}: {text}" for text in problems(resources, version)]
        if is_comparable and _by_name(_kubectl(folder)) != _by_name(resources):
            found.append(f"{folder.name}: kubectl kustomize renders something else")
    for text in found:
        sys.stderr.write(f"{text}\n")
    if not found:
        compared = ", as kubectl renders them" if is_comparable else ""
        sys.stdout.write(f"Kubernetes: {len(folders)} overlays render and are valid{compared}\n")
    return 1 if found or not folders else 0


def _has_kustomize() -> bool:
    """Tell whether there is a kubectl whose Kustomize knows what is used here."""
    if not shutil.which("kubectl"):
        return False
    command = ["kubectl", "version", "--client"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return "Kustomize Version: v5" in done.stdout


def _kubectl(folder: Path) -> list[dict[str, Any]]:
    command = ["kubectl", "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return list(yaml.safe_load_all(done.stdout))


def _by_name(resources: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(each["kind"], each["metadata"]["name"]): each for each in resources}


if __name__ == "__main__":
    sys.exit(main())
