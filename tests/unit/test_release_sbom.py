"""The bill of materials of each image."""

import json
from pathlib import Path

import pytest

from release.errors import ReleaseError
from release.sbom import bill_of_materials, main

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
PIN = f"Some_Package[extra]==1.2 ; python_version < '3.12' \\\n    --hash=sha256:{'a' * 64}\n"


@pytest.mark.parametrize("service", ["redirector", "shortener", "click-ingest"])
def test_everything_that_is_installed_is_listed(service: str, tmp_path: Path) -> None:
    """Each pinned line is a component with its hashes."""
    lock = REQUIREMENTS / f"{service}.txt"
    main([str(lock), "1.0", str(tmp_path / "sbom" / "x.json")])
    document = json.loads((tmp_path / "sbom/x.json").read_text())
    pins = [line for line in lock.read_text().splitlines() if "==" in line and line[0] != " "]
    assert len(document["components"]) == len(pins)
    assert all(each["hashes"] for each in document["components"])
    names = {each["name"] for each in document["components"]}
    assert {"msgspec", "uvicorn", "asyncpg"} <= names


def test_a_component_has_its_purl_and_marker() -> None:
    """Names as PyPI normalises them."""
    (component,) = bill_of_materials("x", "1", PIN)["components"]
    assert component["purl"] == "pkg:pypi/some-package@1.2"
    assert component["properties"] == [{"name": "qck:marker", "value": "python_version < '3.12'"}]


def test_the_same_requirements_make_the_same_file() -> None:
    """Also its serial number."""
    assert bill_of_materials("x", "1", PIN) == bill_of_materials("x", "1", PIN)
    assert bill_of_materials("x", "2", PIN) != bill_of_materials("x", "1", PIN)


@pytest.mark.parametrize("line", ["some>=1", "some==1", "-r other.txt"])
def test_what_is_not_pinned_is_refused(line: str) -> None:
    """A bill with a gap would be worse than none."""
    with pytest.raises(ReleaseError, match="not a pinned requirement"):
        bill_of_materials("x", "1", line)
