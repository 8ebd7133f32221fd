"""What tests of deploys break in a checkout, which only they would otherwise find out of date."""

from pathlib import Path

from tests.deploy.checkout import Checkout


def test_sources_are_broken_and_mended(tmp_path: Path) -> None:
    """The redirector's health checks and the migrations have the places that are changed."""
    checkout = Checkout(tmp_path / "checkout")
    checks = checkout.root / "services/redirector/src/redirector/health_checks.py"
    versions = checkout.root / "shared/src/shared/db/migrations/versions"
    before = checks.read_text(), sorted(versions.glob("*.py"))
    with checkout.never_ready(), checkout.bad_migration():
        assert 'Check("never", check_never, required=True)' in checks.read_text()
        (added,) = set(versions.glob("*.py")) - set(before[1])
        assert f'down_revision = "{before[1][-1].stem.split("_")[0]}"' in added.read_text()
    assert (checks.read_text(), sorted(versions.glob("*.py"))) == before
