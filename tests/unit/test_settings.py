"""Settings from the environment."""

from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from shared.settings import (
    DatabaseSettings,
    HttpSettings,
    LogSettings,
    Secret,
    SettingsError,
    load,
    variables,
)


class Group(msgspec.Struct, frozen=True):
    """A group."""

    size: Annotated[int, msgspec.Meta(ge=1, le=10)] = 5
    names: tuple[str, ...] = ("a",)


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """Settings with one of everything."""

    token: Secret
    folder: Path
    group: Group
    http: HttpSettings
    database: DatabaseSettings
    is_fast: bool = False
    ratio: float = 0.5
    other_url: Secret | None = None


GOOD = {"TOKEN": "hush", "FOLDER": "/data", "DATABASE_URL": "postgresql://u:hush@h/d"}


def test_defaults_and_values() -> None:
    """Given variables are converted, absent and empty ones take their defaults."""
    settings = load(
        Example,
        {**GOOD, "GROUP_SIZE": " 7 ", "GROUP_NAMES": "x, y", "IS_FAST": "Yes", "RATIO": ""},
    )
    assert settings.group == Group(size=7, names=("x", "y"))
    assert settings.is_fast is True
    assert settings.ratio == 0.5
    assert settings.folder == Path("/data")
    assert settings.token.reveal() == "hush"
    assert settings.other_url is None


def test_all_problems_at_once() -> None:
    """Every missing or wrong variable is named in one error."""
    with pytest.raises(SettingsError) as caught:
        load(Example, {"GROUP_SIZE": "11", "IS_FAST": "maybe", "HTTP_PORT": "eighty"})
    named = [problem.split(":")[0].split()[0] for problem in caught.value.problems]
    assert sorted(named) == [
        "DATABASE_URL", "FOLDER", "GROUP_SIZE", "HTTP_PORT", "IS_FAST", "TOKEN",
    ]  # fmt: skip
    assert "HTTP_PORT: Expected `int`, got 'eighty'" in caught.value.problems


def test_a_choice_that_there_is_not_is_answered_with_those_that_there_are() -> None:
    """What may be chosen is said, and what was given is shown with the quotes it came with."""
    with pytest.raises(SettingsError) as caught:
        load(LogSettings, {"LEVEL": '"info"'})
    assert caught.value.problems == [
        "LEVEL: expected one of debug, info, warning, error, got '\"info\"'"
    ]


def test_secrets_never_show() -> None:
    """Neither the settings' repr nor an error has a secret in it."""
    settings = load(Example, GOOD)
    assert "hush" not in repr(settings)
    assert "hush" not in f"{settings.token} {settings.database}"


def test_secrets_compare_by_value() -> None:
    """Two secrets of one text are equal and hash alike; an empty one is false."""
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert not Secret("")


def test_variables_are_listed_with_defaults() -> None:
    """The list of variables names those in groups by their group."""
    listed = variables(Example)
    assert listed["GROUP_SIZE"] == 5
    assert listed["TOKEN"] is msgspec.NODEFAULT
    assert "DATABASE_MAX_CONNECTIONS" in listed


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    """The file's text without the line's end is the secret, and shows no more than another."""
    file = tmp_path / "token"
    file.write_text("hush\n")
    settings = load(Example, {**GOOD, "TOKEN": "", "TOKEN_FILE": str(file)})
    assert settings.token.reveal() == "hush"
    assert "hush" not in repr(settings)


def test_only_secrets_are_read_from_files(tmp_path: Path) -> None:
    """For a setting that is none, a variable with that ending means nothing."""
    file = tmp_path / "size"
    file.write_text("7")
    assert load(Example, {**GOOD, "GROUP_SIZE_FILE": str(file)}).group.size == 5


def test_what_can_be_wrong_with_a_secret_file(tmp_path: Path) -> None:
    """Missing, empty, binary, or given twice: each is named, and no secret is shown."""
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    wrong = {
        "TOKEN": "hush",
        "TOKEN_FILE": str(tmp_path / "empty"),
        "FOLDER": "/data",
        "DATABASE_URL_FILE": str(tmp_path / "absent"),
        "OTHER_URL_FILE": str(tmp_path / "binary"),
    }
    with pytest.raises(SettingsError) as caught:
        load(Example, wrong)
    assert caught.value.problems == [
        "TOKEN and TOKEN_FILE are both set, and one of them must be empty",
        f"DATABASE_URL_FILE: {tmp_path}/absent cannot be read: No such file or directory",
        f"OTHER_URL_FILE: {tmp_path}/binary is not UTF-8",
    ]
    with pytest.raises(SettingsError, match=r"TOKEN_FILE: .*empty is empty"):
        load(Example, {**GOOD, "TOKEN": "", "TOKEN_FILE": str(tmp_path / "empty")})
