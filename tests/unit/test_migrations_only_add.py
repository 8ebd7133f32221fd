"""Migrations only add: while a release comes in, and after a rollback, older code meets them."""

import ast
import re
from pathlib import Path

import pytest

import shared.db

VERSIONS = sorted((Path(shared.db.__file__).parent / "migrations/versions").glob("[0-9]*.py"))
TAKING_AWAY = {"drop_table", "drop_column", "rename_table"}
IN_SQL = re.compile(r"\bDROP\s+(TABLE|COLUMN)\b|\bRENAME\b", re.IGNORECASE)


def taken_away(source: str) -> list[str]:
    """Return what an upgrade takes from code that knows the schema before it."""
    found = []
    for function in ast.parse(source).body:
        if not isinstance(function, ast.FunctionDef) or function.name != "upgrade":
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Attribute) and node.attr in TAKING_AWAY:
                found.append(node.attr)
            if isinstance(node, ast.keyword) and node.arg == "new_column_name":
                found.append(node.arg)
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found += [match[0] for match in IN_SQL.finditer(node.value)]
    return found


@pytest.mark.parametrize("file", VERSIONS, ids=lambda file: file.stem)
def test_an_upgrade_takes_nothing_away(file: Path) -> None:
    """No table or column that older code reads goes or changes its name."""
    assert taken_away(file.read_text()) == []


def test_what_would_be_found() -> None:
    """Operations and statements alike, in the upgrade only."""
    source = (
        "def upgrade():\n    op.drop_column('links', 'title')\n    op.execute('DROP TABLE tags')\n"
        "    op.alter_column('links', 'a', new_column_name='b')\n"
        "def downgrade():\n    op.drop_table('clicks')\n"
    )
    assert sorted(taken_away(source)) == ["DROP TABLE", "drop_column", "new_column_name"]
