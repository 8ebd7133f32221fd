"""Deploy and rollback: the order, what is put back, what an interruption leaves behind."""

import re
from pathlib import Path

import pytest

from release.errors import ReleaseError
from release.history import read_history
from release.host import Host
from release.operations import Operations
from tests.support.fake_engine import FakeEngine, Running

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


@pytest.fixture
def world(tmp_path: Path) -> World:
    """One that has not seen a deploy."""
    return World(tmp_path)


def ups(done: list[str]) -> list[str]:
    """Return which containers were made, in order."""
    return [words.removeprefix("up ") for words in done if words.startswith("up ")]


def test_first_deploy(world: World) -> None:
    """Images, stores, schema, redirectors one by one, the rest, nginx at the end."""
    done = world.deploy("a")
    assert done[:5] == ["build", "up postgres:a", "up redis:a", "up rabbitmq:a", "run migrate"]
    assert ups(done)[3:] == [f"{name}:a" for name in (*OURS, "nginx")]
    assert world.serving == "a"


def test_a_second_release_leaves_stores_and_nginx(world: World) -> None:
    """Stores go on, nginx reloads, everything else is replaced once."""
    world.deploy("a")
    done = world.deploy("b")
    assert ups(done) == [f"{name}:b" for name in OURS]
    assert done.index("run migrate") < done.index("up redirector-1:b")
    assert world.serving == "b"


def test_the_same_again(world: World) -> None:
    """What is in place is left alone, but for the migration, which finds nothing to do."""
    world.deploy("a")
    assert world.again("a") == ["run migrate", "run nginx-config"]


def test_force(world: World) -> None:
    """Replaces what is the same, too: after a secret has changed."""
    world.deploy("a")
    world.engine.done.clear()
    world.operations.deploy("a", is_forced=True)
    assert ups(world.engine.done) == [f"{name}:a" for name in OURS]


@pytest.mark.parametrize("service", OURS)
def test_what_does_not_become_ready_is_put_back(world: World, service: str) -> None:
    """The former release serves again, and what has failed is replaced before what works."""
    world.deploy("a")
    world.engine.broken.add(f"{service}:b")
    with pytest.raises(ReleaseError, match="release b is not in; a serves"):
        world.deploy("b")
    assert set(world.tags.values()) == {"a"}
    replaced = ups(world.engine.done)
    back = [name for name in replaced if name.endswith(":a")]
    assert back == [name.replace(":b", ":a") for name in reversed(replaced) if name.endswith(":b")]
    assert any(f"{service} does not become ready" in text for text in world.told.problems)
    assert world.serving == "a"


def test_a_migration_that_fails_replaces_nothing(world: World) -> None:
    """The former release goes on untouched."""
    world.deploy("a")
    world.engine.broken.add("run migrate")
    with pytest.raises(ReleaseError, match="a serves"):
        world.deploy("b")
    assert ups(world.engine.done) == []


def test_a_smoke_test_that_fails(world: World) -> None:
    """Puts everything back, though each part calls itself ready."""
    world.deploy("a")
    world.engine.broken.add("smoke")
    with pytest.raises(ReleaseError, match="could not be put back"):
        world.deploy("b")
    assert set(world.tags.values()) == {"a"}
    world.engine.broken.clear()
    world.again("b")
    assert world.serving == "b"


def test_first_deploy_that_fails(world: World) -> None:
    """There is nothing to put back, which is said."""
    world.engine.broken.add("redirector-2:a")
    with pytest.raises(ReleaseError, match="there is none to put back"):
        world.deploy("a")
    world.engine.broken.clear()
    world.again("a")
    assert world.serving == "a"


@pytest.mark.parametrize(
    "words", ["run migrate", "up redirector-2:b", "up shortener:b", "run nginx-config"]
)
def test_an_interrupted_deploy_is_finished_by_the_next(world: World, words: str) -> None:
    """It goes on where it was, and does nothing twice."""
    world.deploy("a")
    world.engine.interrupt_at.add(words)
    with pytest.raises(KeyboardInterrupt):
        world.deploy("b")
    before = ups(world.engine.done)
    world.engine.interrupt_at.clear()
    after = ups(world.again("b"))
    assert before + after == [f"{name}:b" for name in OURS]
    assert world.serving == "b"


def test_an_interrupted_deploy_is_undone_by_a_rollback(world: World) -> None:
    """To the release that served when it began."""
    for name in ("a", "b"):
        world.deploy(name)
    world.engine.interrupt_at.add("up shortener:c")
    with pytest.raises(KeyboardInterrupt):
        world.deploy("c")
    world.engine.interrupt_at.clear()
    world.operations.roll_back()
    assert (world.serving, set(world.tags.values())) == ("b", {"b"})


def test_a_replica_is_not_taken_while_the_other_is_down(world: World) -> None:
    """The one that is down is replaced first."""
    world.deploy("a")
    world.engine.containers["redirector-2"].is_healthy = False
    assert ups(world.deploy("b"))[:2] == ["redirector-2:b", "redirector-1:b"]


def test_rollback_brings_back_settings(world: World) -> None:
    """One of the same sources with other settings is a release of its own."""
    world.deploy("a")
    world.settings(LOG_LEVEL="debug")
    world.again("a")
    assert world.serving == "a.2"
    changed = {name: world.engine.containers[name].digest for name in OURS}
    world.engine.done.clear()
    world.operations.roll_back()
    assert world.serving == "a"
    assert all(world.engine.containers[name].digest != changed[name] for name in OURS)
    assert "run migrate" not in world.engine.done


def test_rollback_to_a_named_release(world: World) -> None:
    """Any that is kept; others are named."""
    for name in ("a", "b", "c"):
        world.deploy(name)
    world.operations.roll_back("a")
    assert world.serving == "a"
    with pytest.raises(ReleaseError, match="release zzz is not kept here"):
        world.operations.roll_back("zzz")


def test_rollback_without_a_past(world: World) -> None:
    """There must be something to go back to."""
    with pytest.raises(ReleaseError, match="no release has served here before"):
        world.operations.roll_back()


def test_what_compose_up_has_started_is_taken_over(world: World) -> None:
    """It is a release, to which a failing first deploy goes back."""
    for name in OURS:
        world.engine.containers[name] = Running("qck/any:dev", "other")
    world.engine.broken.add("redirector-1:a")
    with pytest.raises(ReleaseError, match=r"adopted-[0-9-]+ serves"):
        world.deploy("a")
    assert all(tag.startswith("adopted-") for tag in [world.tags["redirector-1"]])


def test_a_name_stands_for_one_build(world: World) -> None:
    """Other sources need another name."""
    world.deploy("a")
    world.change_sources("# others\n")
    with pytest.raises(ReleaseError, match="of other sources"):
        world.again("a")


def test_the_name_follows_the_sources(world: World) -> None:
    """Without git it is version and digest."""
    world.again("")
    first = world.serving
    world.change_sources("# others\n")
    world.again("")
    assert re.fullmatch(r"1\.0-unknown-[0-9a-f]{10}", first)
    assert world.serving != first


def test_no_secret_is_kept_in_a_release(world: World) -> None:
    """`.env` may have the local stack's; only the folder of secrets has ours."""
    world.deploy("a")
    for path in world.host_folder.rglob("*"):
        assert not path.is_file() or b"hush" not in path.read_bytes(), path


def test_missing_secrets(world: World) -> None:
    """They are named before anything happens."""
    (world.root / "secrets/database_url").unlink()
    with pytest.raises(ReleaseError, match="secrets are missing: database_url; make secrets"):
        world.deploy("a")
    assert ups(world.engine.done) == []


def test_secrets_are_put_back_too(world: World) -> None:
    """A checkout with others, which the servers do not know, harms nobody who serves."""
    world.deploy("a")
    (world.root / "secrets/database_url").write_text("postgresql://wrong\n")
    world.engine.broken.add("budgets")
    with pytest.raises(ReleaseError, match="a serves"):
        world.deploy("b")
    placed = world.host_folder / "files/secrets/database_url"
    assert placed.read_text() == "postgresql://\n"


def test_old_releases_are_forgotten(world: World) -> None:
    """Five that have served stay, with their images."""
    for number in range(7):
        world.deploy(f"r{number}")
    kept = sorted(path.stem for path in (world.host_folder / "releases").iterdir())
    assert kept == ["r2", "r3", "r4", "r5", "r6"]
    assert "qck/redirector:r1" not in world.engine.images
    assert "qck/redirector:r2" in world.engine.images


def test_two_cannot_deploy_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one is told."""
    monkeypatch.setattr("release.lock._WAIT_S", 0.0)
    refused = "echo 'The container name is already in use' >&2; exit 125"
    start = FakeEngine.start
    monkeypatch.setattr(FakeEngine, "start", lambda self, *words: start(self, refused))
    with pytest.raises(ReleaseError, match="somebody else is deploying"):
        world.deploy("a")


def test_a_store_is_restarted_only_when_asked(world: World) -> None:
    """As the serving release describes it."""
    world.deploy("a")
    world.engine.done.clear()
    world.operations.restart_store("redis")
    assert world.engine.done == ["up redis:a"]
    with pytest.raises(ReleaseError, match="S= one of postgres, redis, rabbitmq"):
        world.operations.restart_store("nginx")


def test_releases_are_listed(world: World) -> None:
    """With what became of each."""
    world.deploy("a")
    world.engine.broken.add("redirector-1:b")
    with pytest.raises(ReleaseError):
        world.deploy("b")
    world.told.said.clear()
    world.operations.releases()
    assert [text.split("  ", 1)[-1] for text in world.told.said] == [
        "deploy    a: serves",
        "deploy    b: failed: redirector-1 does not become ready: its check has said nothing",
        "serving: a",
    ]
