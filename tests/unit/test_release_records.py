"""What a host keeps of releases, and what it refuses."""

import re
from pathlib import Path

import pytest

from release.errors import ReleaseError
from tests.support.fake_engine import FakeEngine, Running
from tests.support.release_world import OURS, World, ups


@pytest.fixture
def world(tmp_path: Path) -> World:
    """One that has not seen a deploy."""
    return World(tmp_path)


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
