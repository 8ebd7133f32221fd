"""A checkout, a host with an engine that only notes, and an operator before them."""

from pathlib import Path

from release.history import read_history
from release.host import Host
from release.operations import Operations
from tests.support.fake_engine import FakeEngine

OURS = ("redirector-1", "redirector-2", "shortener", "click-ingest")


class Told:
    """Keeps what is reported."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.problems: list[str] = []

    def say(self, text: str) -> None:
        """Keep it."""
        self.said.append(text)

    def problem(self, text: str) -> None:
        """Keep it."""
        self.problems.append(text)


class World:
    """A checkout, a host, and an operator before it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        (self.root / "shared").mkdir(parents=True)
        (self.root / "secrets").mkdir()
        (self.root / "shared/pyproject.toml").write_text('[project]\nversion = "1.0"\n')
        (self.root / "docker-compose.yml").write_text("services: {}\n")
        (self.root / "secrets/database_url").write_text("postgresql://\n")
        self.host_folder = folder / "host"
        self.host_folder.mkdir()
        self.settings()
        self.engine = FakeEngine(
            project="qck", environment={}, folder=self.host_folder, images={"nginx:1": "theirs"}
        )
        self.told = Told()
        self.operations = Operations(self.engine, self.root, self.told)

    def settings(self, **settings: str) -> None:
        """Write `.env`."""
        lines = [f"{name}={value}\n" for name, value in settings.items()]
        (self.root / ".env").write_text("POSTGRES_PASSWORD=hush\n" + "".join(lines))

    def change_sources(self, text: str) -> None:
        """Make it other sources."""
        (self.root / "shared/code.py").write_text(text)

    def deploy(self, name: str) -> list[str]:
        """Deploy other sources under this name; return what was changed."""
        self.change_sources(f"# {name}\n")
        return self.again(name)

    def again(self, name: str) -> list[str]:
        """Deploy what there is; return what was changed."""
        self.engine.done.clear()
        self.operations.deploy(name)
        return list(self.engine.done)

    @property
    def tags(self) -> dict[str, str]:
        """Which release each of ours runs."""
        return {name: self.engine.containers[name].image.rpartition(":")[2] for name in OURS}

    @property
    def serving(self) -> str:
        """What the host has recorded."""
        return read_history(Host(self.engine, "/var/lib/qck/qck", image="any")).current


def ups(done: list[str]) -> list[str]:
    """Return which containers were made, in order."""
    return [words.removeprefix("up ") for words in done if words.startswith("up ")]
