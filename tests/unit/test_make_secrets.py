"""The command that makes the containers' secrets."""

import shutil
import stat
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy/make-secrets"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that has only the script."""
    (tmp_path / "deploy").mkdir()
    shutil.copy2(SCRIPT, tmp_path / "deploy")
    return tmp_path


def make(checkout: Path) -> dict[str, str]:
    """Run it, and return what each file has."""
    subprocess.run([checkout / "deploy/make-secrets"], check=True, capture_output=True)
    return {path.name: path.read_text().strip() for path in (checkout / "secrets").iterdir()}


def test_each_is_fresh_and_private(checkout: Path) -> None:
    """Long, each another one; only the owner enters the folder, containers' users read a file."""
    made = make(checkout)
    passwords = [text for name, text in made.items() if not name.endswith("_url")]
    assert len(set(passwords)) == len(passwords) == 6
    assert all(len(text) >= 40 for text in passwords)
    assert stat.S_IMODE((checkout / "secrets").stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in (checkout / "secrets").iterdir()} == {0o444}


def test_what_is_there_stays(checkout: Path) -> None:
    """Also when it is run again, and what is missing is made."""
    before = make(checkout)
    (checkout / "secrets/visitor_hash_key").unlink()
    after = make(checkout)
    assert after.pop("visitor_hash_key") != before.pop("visitor_hash_key")
    assert after == before


def test_the_local_stacks_passwords_are_taken_over(checkout: Path) -> None:
    """So data of a first start with passwords from `.env` can still be opened; URLs quote them."""
    (checkout / ".env").write_text(
        "POSTGRES_PASSWORD='p/@ %'\n# REDIS_PASSWORD=no\nREDIS_PASSWORD=\nINITIAL_API_KEY=kept\n"
    )
    made = make(checkout)
    assert (made["postgres_password"], made["initial_api_key"]) == ("p/@ %", "kept")
    url = urlsplit(made["database_url"])
    assert (url.hostname, unquote(url.password or "")) == ("postgres", "p/@ %")
    assert len(made["redis_password"]) >= 40
    assert made["redis_url"] == f"redis://:{made['redis_password']}@redis:6379/0"
