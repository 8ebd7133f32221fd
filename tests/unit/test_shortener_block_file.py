"""The file of blocked domains: read when it changes, kept to while it cannot be read."""

from collections.abc import Collection
from pathlib import Path

import pytest
import structlog

from shortener.block_file import BlockFile, parse_block_file
from shortener.transactions import DatabaseUnavailableError


class FakeDomains:
    """The file's part of the list; PostgreSQL can be away."""

    def __init__(self) -> None:
        self.states: list[set[str]] = []
        self.is_database_away = False

    async def replace_file(self, domains: Collection[str]) -> tuple[int, int]:
        """Take the domains over."""
        if self.is_database_away:
            raise DatabaseUnavailableError("away")
        self.states.append(set(domains))
        return len(domains), 0


def test_a_line_that_is_no_domain_is_passed_over() -> None:
    """With its number and what is wrong; comments and empty lines are no mistakes."""
    domains, problems = parse_block_file("# list\nevil.test  # here\n\nbad domain\n")
    assert domains == {"evil.test"}
    assert [problem.split(":")[0] for problem in problems] == ["line 4"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["gone", "no_text"])
async def test_a_file_that_cannot_be_read_changes_nothing(
    tmp_path: Path, content: bytes | None
) -> None:
    """The list stays, the log says so once, and the file counts again when it is back."""
    path, domains = tmp_path / "blocked", FakeDomains()
    path.write_text("evil.test\n")
    file = BlockFile(path, domains)
    await file.look()
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            await file.look()
    assert domains.states == [{"evil.test"}]
    assert [entry["event"] for entry in logs] == ["block_file_not_read"]
    path.write_text("other.test\n")
    await file.look()
    assert domains.states == [{"evil.test"}, {"other.test"}]


async def test_a_file_is_taken_over_once_for_each_state(tmp_path: Path) -> None:
    """One that has not changed is not brought again; one that PostgreSQL has missed is."""
    path, domains = tmp_path / "blocked", FakeDomains()
    path.write_text("evil.test\n")
    file = BlockFile(path, domains)
    domains.is_database_away = True
    await file.look()
    assert domains.states == []
    domains.is_database_away = False
    for _ in range(3):
        await file.look()
    assert domains.states == [{"evil.test"}]
