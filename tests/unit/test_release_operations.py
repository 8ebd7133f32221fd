"""Deploy and rollback: the order, what is put back, what an interruption leaves behind."""

from pathlib import Path

import pytest

from release.errors import ReleaseError
from tests.support.release_world import OURS, World, ups


@pytest.fixture
def world(tmp_path: Path) -> World:
    """One that has not seen a deploy."""
    return World(tmp_path)


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


@pytest.mark.parametrize("words", ["probe redirector", "run migrate", "up redirector-1:c"])
def test_a_rollback_of_an_interrupted_deploy_goes_no_further_back(
    world: World, words: str
) -> None:
    """To the release that serves, whose files are in place again, wherever the deploy was."""
    world.deploy("a")
    world.deploy("b")
    world.engine.interrupt_at.add(words)
    with pytest.raises(KeyboardInterrupt):
        world.deploy("c")
    assert world.told.problems == ["c is half in: make deploy goes on, make rollback undoes it"]
    world.engine.interrupt_at.clear()
    world.operations.roll_back()
    assert world.serving == "b"
    assert set(world.tags.values()) == {"b"}


def test_a_deploy_that_is_interrupted_before_it_has_begun(world: World) -> None:
    """Leaves nothing to undo, and does not say so: a rollback would lead to the release before."""
    world.deploy("a")
    world.engine.interrupt_at.add("build")
    with pytest.raises(KeyboardInterrupt):
        world.deploy("b")
    assert world.told.problems == []
    assert world.serving == "a"


def test_what_a_killed_deploy_left_at_work_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last command still replaces a container: the next deploy tries again until it can."""
    monkeypatch.setattr("release.replacing.time.sleep", lambda _: None)
    world.deploy("a")
    world.engine.in_the_way.add("up redirector-2:b")
    done = ups(world.deploy("b"))
    assert [name for name in done if name.startswith("redirector-2")] == ["redirector-2:b"] * 2
    assert world.serving == "b"
    assert set(world.tags.values()) == {"b"}


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
