"""A local stack's settings: .env with fresh secrets, overrides, every problem at once."""

import stat
from pathlib import Path

import pytest

from local_stack.environment import (
    SECRETS,
    ensure_env_file,
    fresh_secrets,
    misspelt,
    read_settings,
    setting_names,
)
from local_stack.errors import SettingsError, StackError
from local_stack.home import PROJECT_ROOT

EXAMPLE = """\
# The two doors.
PUBLIC_PORT=8080
API_PORT=8081
DEFAULT_DOMAIN=localhost:${PUBLIC_PORT}
POSTGRES_PASSWORD=
REDIS_PASSWORD=""
RABBITMQ_PASSWORD= # made at the first start
INITIAL_API_KEY=
VISITOR_HASH_KEY=
CLICK_RETENTION_DAYS=
# How much is logged.
# LOG_LEVEL=info
"""


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    """Return the path of a .env that was made from an example."""
    (tmp_path / ".env.example").write_text(EXAMPLE)
    assert ensure_env_file(tmp_path / ".env", tmp_path / ".env.example")
    return tmp_path / ".env"


def an_env_file(tmp_path: Path, text: str) -> Path:
    """Write a .env with good secrets and `text`."""
    path = tmp_path / ".env"
    path.write_text(text + "".join(f"\n{key}={value}" for key, value in fresh_secrets().items()))
    return path


def test_first_start_makes_a_private_env_file(env_file: Path) -> None:
    """Only its owner may read it, and the example's words stay."""
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    assert env_file.read_text().startswith("# The two doors.\nPUBLIC_PORT=8080\n")


def test_each_secret_is_fresh(env_file: Path, tmp_path: Path) -> None:
    """No two secrets, and no two checkouts, have a value in common."""
    other = tmp_path / "other.env"
    ensure_env_file(other, tmp_path / ".env.example")
    values = [
        read_settings(path, {}).values[name] for path in (env_file, other) for name in SECRETS
    ]
    assert len(set(values)) == 2 * len(SECRETS)
    assert all(len(value) >= 40 for value in values)


def test_what_is_no_secret_stays_empty(env_file: Path) -> None:
    """An empty setting of the example means its default, not a random value."""
    assert read_settings(env_file, {}).values["CLICK_RETENTION_DAYS"] == ""


def test_existing_env_file_is_kept(env_file: Path, tmp_path: Path) -> None:
    """A second start changes nothing."""
    before = env_file.read_text()
    assert not ensure_env_file(env_file, tmp_path / ".env.example")
    assert env_file.read_text() == before


def test_missing_secrets_are_added_to_an_existing_file(tmp_path: Path) -> None:
    """A .env of an older release gets the secrets that came since."""
    path = tmp_path / ".env"
    path.write_text("INITIAL_API_KEY=kept\nPUBLIC_PORT=9080")
    ensure_env_file(path, tmp_path / "absent")
    settings = read_settings(path, {})
    assert settings.values["INITIAL_API_KEY"] == "kept"
    assert settings.public_port == 9080
    assert settings.values["VISITOR_HASH_KEY"]


def test_neither_env_file_nor_example(tmp_path: Path) -> None:
    """The missing file is named."""
    with pytest.raises(StackError, match=r"\.env\.example is missing"):
        ensure_env_file(tmp_path / ".env", tmp_path / ".env.example")


def test_real_variables_override_the_file(env_file: Path) -> None:
    """And what the file derives from them follows."""
    settings = read_settings(env_file, {"PUBLIC_PORT": "9080", "API_PORT": "9081"})
    assert (settings.public_port, settings.api_port) == (9080, 9081)
    assert settings.values["DEFAULT_DOMAIN"] == "localhost:9080"


def test_settings_that_the_file_only_mentions_can_be_overridden(env_file: Path) -> None:
    """LOG_LEVEL=debug make run does what it looks like."""
    names = setting_names(env_file.with_name(".env.example"))
    assert read_settings(env_file, {"LOG_LEVEL": "debug"}, names).values["LOG_LEVEL"] == "debug"
    assert read_settings(env_file, {}, names).values["LOG_LEVEL"] == ""


def test_a_name_that_is_nearly_one_of_a_setting_is_told() -> None:
    """It would do nothing without a word; of what is a setting, or somebody else's, is no word."""
    names = setting_names(PROJECT_ROOT / ".env.example")
    given = [*names, "INITIAL_API_KEY_FILE", "OTEL_RESOURCE_ATTRIBUTES", "CLICK_RETENTION_DAY"]
    assert [*misspelt(given, names)] == [
        "CLICK_RETENTION_DAY in .env is no setting: is CLICK_RETENTION_DAYS meant?"
    ]


def test_other_variables_stay_outside(env_file: Path) -> None:
    """The shell's variables do not become settings."""
    assert "EDITOR" not in read_settings(env_file, {"EDITOR": "ed"}).values


@pytest.mark.parametrize("text", ["abc", "0", "70000", "-1", "8080.0", "\u0668\u0660", ""])
def test_wrong_port(tmp_path: Path, text: str) -> None:
    """A port that is none is named with its setting."""
    path = an_env_file(tmp_path, f"PUBLIC_PORT={text}")
    with pytest.raises(SettingsError, match=r"PUBLIC_PORT is .*from 1 to 65535"):
        read_settings(path, {})


def test_all_problems_at_once(tmp_path: Path) -> None:
    """Nobody has to start four times to find four mistakes."""
    path = an_env_file(
        tmp_path, "PUBLIC_PORT=abc\nAPI_PORT=0\nTRUSTED_PROXIES=10.0.0.0/8,nonsense"
    )
    path.write_text(path.read_text().replace("\nINITIAL_API_KEY=", "\nINITIAL_API_KEY=\nWAS="))
    with pytest.raises(SettingsError) as raised:
        read_settings(path, {})
    assert len(raised.value.problems) == 4
    for name in ("PUBLIC_PORT", "API_PORT", "TRUSTED_PROXIES", "INITIAL_API_KEY"):
        assert name in str(raised.value)


def test_two_doors_cannot_share_a_port(tmp_path: Path) -> None:
    """Equal ports are a mistake, not a race between two listeners."""
    path = an_env_file(tmp_path, "PUBLIC_PORT=8081")
    with pytest.raises(SettingsError, match="PUBLIC_PORT and API_PORT are both 8081"):
        read_settings(path, {})


def test_settings_show_no_secrets(env_file: Path) -> None:
    """A traceback or a log line with the settings in it gives nothing away."""
    settings = read_settings(env_file, {})
    assert settings.values["POSTGRES_PASSWORD"] not in repr(settings)


def test_references_do_not_depend_on_the_order_of_names(tmp_path: Path) -> None:
    """A setting follows the one that it refers to, whichever of them a set has first."""
    path = tmp_path / ".env"
    secrets = "".join(f"{name}=x\n" for name in SECRETS)
    path.write_text(f"PUBLIC_PORT=8080\nDEFAULT_DOMAIN=localhost:${{PUBLIC_PORT}}\n{secrets}")
    for names in (["PUBLIC_PORT", "DEFAULT_DOMAIN"], ["DEFAULT_DOMAIN", "PUBLIC_PORT"]):
        settings = read_settings(path, {}, names)
        assert settings.values["DEFAULT_DOMAIN"] == "localhost:8080"
