"""The planner's command line, and profiles in an .env file."""

import json
from pathlib import Path

import pytest

from capacity import __main__ as capacity_command
from capacity.__main__ import PROFILES, main
from capacity.arguments import parse_demand
from capacity.profiles import DEMANDS, ProfileError, choose_profile

ENV = """\
# The first comment.
PUBLIC_PORT=8080
POSTGRES_PASSWORD=a-secret
# DATABASE_MAX_CONNECTIONS=20
REPLICAS_REDIRECTOR=2
LOG_LEVEL=debug
"""


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    """Somebody's settings."""
    path = tmp_path / ".env"
    path.write_text(ENV)
    path.chmod(0o600)
    return path


def settings_of(path: Path) -> dict[str, str]:
    """Return what a file sets."""
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("name", DEMANDS)
def test_a_profile_replaces_its_settings_and_nothing_else(name: str, env_file: Path) -> None:
    """Secrets and other settings stay, each setting is there once, nobody else may read it."""
    before = settings_of(env_file)
    chosen = choose_profile(name, folder=PROFILES, env_file=env_file)
    after = settings_of(env_file)
    assert after == {**before, **chosen}
    assert env_file.read_text().count("DATABASE_MAX_CONNECTIONS=") == 1
    assert env_file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in env_file.parent.iterdir()] == [".env"]


def test_development_is_the_way_back(env_file: Path) -> None:
    """After a larger profile, choosing development leaves what choosing it at first would have."""
    choose_profile("development", folder=PROFILES, env_file=env_file)
    at_first = env_file.read_text()
    choose_profile("10m", folder=PROFILES, env_file=env_file)
    assert env_file.read_text() != at_first
    choose_profile("development", folder=PROFILES, env_file=env_file)
    assert env_file.read_text() == at_first


@pytest.mark.parametrize("name", ["3m", "../1m", ""])
def test_an_unknown_profile_is_refused_with_those_there_are(name: str, env_file: Path) -> None:
    """And the file is as it was."""
    with pytest.raises(ProfileError, match="only 10m, 1m, 2m, 5m, development"):
        choose_profile(name, folder=PROFILES, env_file=env_file)
    assert env_file.read_text() == ENV


def test_without_settings_there_is_nothing_to_put_a_profile_into(tmp_path: Path) -> None:
    """It says what makes them."""
    with pytest.raises(ProfileError, match="make env"):
        choose_profile("1m", folder=PROFILES, env_file=tmp_path / ".env")


def test_all_wrong_figures_are_told_at_once() -> None:
    """By their names, with what was given."""
    with pytest.raises(ValueError, match=r"CLICKS_PER_DAY: .*'many'") as raised:
        parse_demand(["CLICKS_PER_DAY=many", "HIT_RATIO=2", "SPEED=1"])
    assert "HIT_RATIO: " in str(raised.value)
    assert "SPEED: no such figure" in str(raised.value)


def test_digits_may_be_set_apart() -> None:
    """As people write large numbers."""
    assert parse_demand(["CLICKS_PER_DAY=2_000_000"]).clicks_per_day == 2_000_000


def test_a_table_has_every_part(capsys: pytest.CaptureFixture[str]) -> None:
    """Load, processes, connections, storage, the roadmap, contradictions and settings."""
    assert main(["plan", "CLICKS_PER_DAY=1000000", "RETENTION_DAYS=90"]) == 0
    shown = capsys.readouterr().out
    for part in ("average", "redirector", "Little's law", "write-ahead log", "queue, nothing"):
        assert part in shown
    for part in ("Roadmap", "10M+", "cannot be true at once", "CLICK_RETENTION_DAYS=90"):
        assert part in shown


def test_settings_are_ready_to_paste(capsys: pytest.CaptureFixture[str]) -> None:
    """Comments and settings, and nothing else."""
    assert main(["plan", "--format", "env", "CLICKS_PER_DAY=2_000_000"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("#") or "=" in line for line in lines)
    assert "DATABASE_MAX_CONNECTIONS=30" in lines


def test_choosing_a_profile_tells_what_the_servers_must_allow(
    env_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No setting has it, and a service does not start where the budgets do not fit."""
    monkeypatch.setattr(capacity_command, "ROOT", env_file.parent)
    assert main(["profile", "5m"]) == 0
    shown = capsys.readouterr().out
    assert "max_connections at least 240" in shown
    assert "DATABASE_MAX_CONNECTIONS=224" in shown
    assert "DATABASE_MAX_CONNECTIONS=224" in env_file.read_text()


def test_json_is_the_same_plan(capsys: pytest.CaptureFixture[str]) -> None:
    """With roadmap and contradictions."""
    assert main(["plan", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["settings"]["DATABASE_MAX_CONNECTIONS"] == "20"
    assert len(found["roadmap"]) == 4
    assert found["contradictions"]


@pytest.mark.parametrize("figure", ["PEAK_FACTOR=0", "TARGET=0", "TARGET=1e-300", "TARGET=nan"])
def test_wrong_use_ends_with_2(figure: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And one sentence, no traceback."""
    assert main(["plan", figure]) == 2
    assert figure.partition("=")[0] in capsys.readouterr().err
