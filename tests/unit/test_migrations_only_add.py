"""Migrations only add: while a release comes in, and after a rollback, older code meets them."""

import ast
import re
from pathlib import Path

import pytest

import shared.db

VERSIONS = sorted((Path(shared.db.__file__).parent / "migrations/versions").glob("[0-9]*.py"))
TAKING_AWAY = {"drop_table", "drop_column", "rename_table"}
IN_SQL = re.compile(r"\bDROP\s+(TABLE|COLUMN)\b|\bRENAME\b|\bSET\s+NOT\s+NULL\b", re.IGNORECASE)


def parts_of_upgrade(source: str) -> list[ast.stmt]:
    """Return `upgrade`, and what of its module it names, directly or not: mostly texts of SQL."""
    named: dict[str, ast.stmt] = {}
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.FunctionDef):
            named[statement.name] = statement
        elif isinstance(statement, ast.Assign):
            named |= {
                each.id: statement for each in statement.targets if isinstance(each, ast.Name)
            }
    parts, wanted = list[ast.stmt](), ["upgrade"]
    while wanted:
        part = named.pop(wanted.pop(), None)
        if part is not None:
            parts.append(part)
            wanted += [node.id for node in ast.walk(part) if isinstance(node, ast.Name)]
    return parts


def taken_away(source: str) -> list[str]:
    """Return what an upgrade takes from code that knows the schema before it."""
    found = []
    for part in parts_of_upgrade(source):
        for node in ast.walk(part):
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
    """Operations and statements alike, of the upgrade only, wherever their text is."""
    source = (
        "_UPGRADE = 'ALTER TABLE links ALTER title SET NOT NULL'\n"
        "_DOWNGRADE = 'DROP TABLE links'\n"
        "def upgrade():\n    op.drop_column('links', 'title')\n    op.execute('DROP TABLE tags')\n"
        "    op.alter_column('links', 'a', new_column_name='b')\n"
        "    op.execute(_UPGRADE)\n"
        "def downgrade():\n    op.drop_table('clicks')\n    op.execute(_DOWNGRADE)\n"
    )
    assert sorted(taken_away(source)) == [
        "DROP TABLE", "SET NOT NULL", "drop_column", "new_column_name",
    ]  # fmt: skip
