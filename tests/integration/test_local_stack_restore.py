"""What an interrupted restore leaves behind; the whole of one is in tests/e2e/test_backup.py."""

from collections.abc import Iterator

import pytest

from local_stack.database_tools import DatabaseTools
from local_stack.errors import StackError
from local_stack.restore import DRAFT, FORMER, replace_database
from tests.support.stack import started_stack

DATABASES = f"""
SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database
WHERE datallowconn AND datname IN ('qck', '{DRAFT}', '{FORMER}')
"""


class Interrupted(DatabaseTools):
    """Somebody presses Ctrl-C before a statement that has a certain word in it."""

    before = ""

    def query(self, database: str, *statements: str) -> str:
        """Run statements until then."""
        if any(self.before in statement for statement in statements):
            raise KeyboardInterrupt
        return super().query(database, *statements)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield where a PostgreSQL of this module's is."""
    with started_stack(tmp_path_factory.mktemp("stack"), ["postgres"]) as stack:
        yield stack.urls.database_url


@pytest.fixture
def tools(url: str) -> DatabaseTools:
    """Return PostgreSQL's programs, with a draft that is ready to be put in place."""
    tools = DatabaseTools(url)
    for name in (DRAFT, FORMER):
        tools.query("postgres", f"DROP DATABASE IF EXISTS {name}")
    tools.query("postgres", f"CREATE DATABASE {DRAFT}")
    tools.query(DRAFT, "CREATE TABLE restored ()")
    tools.query("qck", "DROP TABLE IF EXISTS restored")
    return tools


def test_the_draft_takes_the_place(tools: DatabaseTools) -> None:
    """And what was there before can still be opened."""
    replace_database(tools)
    assert tools.query("qck", "SELECT to_regclass('restored')") == "restored"
    assert tools.query("postgres", DATABASES) == f"qck {FORMER}"


@pytest.mark.parametrize("word", ["pg_terminate_backend", "count(*)", "RENAME"])
def test_interrupted(tools: DatabaseTools, url: str, word: str) -> None:
    """The database is as it was, and open to everybody."""
    interrupted = Interrupted(url)
    interrupted.before = word
    with pytest.raises(KeyboardInterrupt):
        replace_database(interrupted)
    assert tools.query("qck", "SELECT to_regclass('restored') IS NULL") == "t"
    assert tools.query("postgres", DATABASES) == f"qck {DRAFT}"


def test_a_draft_that_is_not_there(tools: DatabaseTools) -> None:
    """Neither is the database then gone."""
    tools.query("postgres", f"DROP DATABASE {DRAFT}")
    with pytest.raises(StackError, match="does not exist"):
        replace_database(tools)
    assert tools.query("postgres", DATABASES) == "qck"
