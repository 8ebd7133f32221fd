"""Configuration, rules and their unit tests, by Prometheus' own tool."""

import subprocess
from pathlib import Path

import pytest

from local_stack import binaries, prometheus
from local_stack.install import ensure_installed
from local_stack.terminal import Terminal

TESTS = sorted((prometheus.SHIPPED / "tests").glob("*.test.yml"))


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    ensure_installed(["prometheus"], Terminal())


def promtool(*arguments: str | Path) -> tuple[int, str]:
    """Run the tool; return its exit status and what it says."""
    command = [binaries.require("promtool"), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout + result.stderr


@pytest.mark.parametrize("speed", [1, 60])
def test_configuration_and_rules_are_valid(tmp_path: Path, speed: int) -> None:
    """As shipped, and as rendered for the local stack."""
    for name, text in prometheus.files({"shortener": "127.0.0.1:9000"}, speed).items():
        (tmp_path / name).write_text(text)
    status, output = promtool("check", "config", tmp_path / "prometheus.yml")
    assert status == 0, output
    assert "5 rule files found" in output


@pytest.mark.parametrize("tests", TESTS, ids=lambda path: path.name)
def test_alerts_fire_when_they_should(tests: Path) -> None:
    """Every case of every alert, by `promtool test rules`."""
    status, output = promtool("test", "rules", tests)
    assert status == 0, output
