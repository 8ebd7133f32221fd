"""What is in an image, as a CycloneDX file.

`python -m release.sbom REQUIREMENTS VERSION FILE` makes it of the hashed requirements, which are
complete: nothing else is installed into the image's base. The same requirements make the same
bytes.
"""

import json
import re
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from release.errors import ReleaseError

_PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)(\[[^]]*\])?==(?P<version>[^\s;\\]+)(?P<marker>\s*;[^\\]*)?"
)
_HASH = re.compile(r"--hash=sha256:(?P<hash>[0-9a-f]{64})")
_NAMESPACE = uuid.UUID("6f1d3a0c-5f0e-4d0a-9c1b-2a7f4f6f3b1e")


def bill_of_materials(service: str, version: str, requirements: str) -> dict[str, Any]:
    """Return the CycloneDX document of one service's image.

    Raises:
        ReleaseError: a line is no pinned requirement with hashes.
    """
    components = [_component(line) for line in _logical_lines(requirements)]
    root = f"pkg:generic/qck-{service}@{version}"
    serial = uuid.uuid5(_NAMESPACE, f"{root}\n{requirements}")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": f"qck-{service}",
                "version": version,
                "purl": root,
            }
        },
        "components": components,
        "dependencies": [{"ref": root, "dependsOn": [each["bom-ref"] for each in components]}],
    }


def _logical_lines(requirements: str) -> list[str]:
    joined = requirements.replace("\\\n", " ")
    lines = (line.strip() for line in joined.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _component(line: str) -> dict[str, Any]:
    match = _PIN.match(line)
    hashes = _HASH.findall(line)
    if match is None or not hashes:
        raise ReleaseError(f"not a pinned requirement with hashes: {line[:80]}")
    name = re.sub(r"[-_.]+", "-", match["name"]).lower()
    purl = f"pkg:pypi/{name}@{match['version']}"
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": match["version"],
        "purl": purl,
        # One for each file that may be installed: by platform and version of Python.
        "hashes": [{"alg": "SHA-256", "content": each} for each in hashes],
    }
    if match["marker"]:
        marker = match["marker"].strip(" ;").split(" --hash")[0].strip()
        component["properties"] = [{"name": "qck:marker", "value": marker}]
    return component


def main(arguments: Sequence[str]) -> None:
    """Write the file of one image."""
    requirements, version, target = Path(arguments[0]), arguments[1], Path(arguments[2])
    document = bill_of_materials(requirements.stem, version, requirements.read_text())
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (ReleaseError, OSError, IndexError) as error:
        sys.exit(f"sbom: {error}")
