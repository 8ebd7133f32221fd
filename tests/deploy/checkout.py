"""A checkout of the test's own, with releases made of it by changing something."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT_ROOT = Path(__file__).parents[2]
_PARTS = (
    "deploy", "docker-compose.yml", ".dockerignore", "nginx", "requirements", "services", "shared",
)  # fmt: skip
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.egg-info", ".*_cache")
_NEVER_READY = """    async def check_never() -> None:
        raise ConnectionError("this release never becomes ready")

    return [
        Check("never", check_never, required=True),
"""


class Checkout:
    """The folder, and what can be done to its sources."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        for part in _PARTS:
            source = PROJECT_ROOT / part
            if source.is_dir():
                shutil.copytree(source, root / part, ignore=_NOT_COPIED)
            else:
                shutil.copy2(source, root / part)
        shutil.copy2(PROJECT_ROOT / ".env.example", root / ".env")

    def set(self, **settings: str) -> None:
        """Add settings to `.env`; the last line of a name counts."""
        with (self.root / ".env").open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in settings.items())

    def make_secrets(self) -> None:
        """As `make secrets` does."""
        subprocess.run([self.root / "deploy/make-secrets"], check=True, capture_output=True)

    def change(self, version: str) -> None:
        """Make another release of it."""
        project = self.root / "shared/pyproject.toml"
        lines = project.read_text().splitlines()
        changed = [f'version = "{version}"' if x.startswith("version") else x for x in lines]
        project.write_text("\n".join(changed) + "\n")

    @contextmanager
    def never_ready(self) -> Iterator[None]:
        """Have a redirector that starts and never becomes ready."""
        file = self.root / "services/redirector/src/redirector/health_checks.py"
        text = file.read_text()
        assert text.count("    return [\n") == 1
        file.write_text(text.replace("    return [\n", _NEVER_READY))
        try:
            yield
        finally:
            file.write_text(text)

    @contextmanager
    def bad_migration(self) -> Iterator[None]:
        """Have a migration that fails half-way."""
        versions = self.root / "shared/src/shared/db/migrations/versions"
        newest = max(path.stem for path in versions.glob("[0-9]*.py"))
        file = versions / "9999_fails.py"
        file.write_text(
            f'"""Fails."""\n\nfrom alembic import op\n\n'
            f'revision = "9999"\ndown_revision = "{newest.split("_")[0]}"\n\n\n'
            'def upgrade() -> None:\n    """Fail."""\n'
            '    op.execute("CREATE TABLE half_way ()")\n    op.execute("SELECT 1 / 0")\n'
        )
        try:
            yield
        finally:
            file.unlink()
