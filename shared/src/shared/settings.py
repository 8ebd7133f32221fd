"""Settings made from the environment, with every problem reported at once.

A settings class is a frozen `msgspec.Struct`; its fields are the settings. A field whose type is
itself such a struct is a group: the field `url` of the group `redis` is read from `REDIS_URL`.
A secret may be in a file instead, as containers have it: `REDIS_URL_FILE` names it.
"""

import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from shared.secret import Secret as Secret
from shared.store_url import AmqpUrl, DatabaseUrl, RedisUrl

T = TypeVar("T", bound=msgspec.Struct)

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


class SettingsError(Exception):
    """The environment does not make valid settings; `problems` has one sentence for each fault."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(["wrong settings:", *(f"  - {line}" for line in problems)]))


class HttpSettings(msgspec.Struct, frozen=True):
    """Where a process listens: `HTTP_HOST` and `HTTP_PORT`."""

    host: Annotated[str, msgspec.Meta(min_length=1)] = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8000


class LogSettings(msgspec.Struct, frozen=True):
    """How a process logs: `LOG_LEVEL` and `LOG_FORMAT`."""

    level: typing.Literal["debug", "info", "warning", "error"] = "info"
    format: typing.Literal["auto", "json", "console"] = "auto"


class DatabaseSettings(msgspec.Struct, frozen=True):
    """Where PostgreSQL is and how many connections the whole fleet may open to it."""

    url: DatabaseUrl
    max_connections: Annotated[int, msgspec.Meta(ge=4)] = 20


class RedisSettings(msgspec.Struct, frozen=True):
    """Where Redis is and how many connections the whole fleet may open to it."""

    url: RedisUrl
    pool_size: Annotated[int, msgspec.Meta(ge=3)] = 20


class AmqpSettings(msgspec.Struct, frozen=True):
    """Where RabbitMQ is."""

    url: AmqpUrl


class DefaultRedirectSettings(msgspec.Struct, frozen=True):
    """Where visitors are led who would find nothing, unless their domain has its own redirects.

    Empty: nowhere. {DOMAIN} and {ORIGINAL_PATH} stand for what was asked.
    """

    base_url_redirect: str = ""
    regular_404_redirect: str = ""
    invalid_short_url_redirect: str = ""


def load(settings_class: type[T], environment: Mapping[str, str]) -> T:
    """Make `settings_class` from `environment`; an empty variable counts as absent.

    Raises:
        SettingsError: with every missing or wrong variable, and no secret value in its text.
    """
    problems: list[str] = []
    settings = _load(settings_class, "", environment, problems)
    if problems:
        raise SettingsError(problems)
    return typing.cast("T", settings)


def variables(settings_class: type[msgspec.Struct]) -> dict[str, object]:
    """Return each variable that is read, with its default or `msgspec.NODEFAULT`."""
    return {name: field.default for name, field, _ in _walk(settings_class, "")}


def secret_variables(settings_class: type[msgspec.Struct]) -> set[str]:
    """Return the variables that are secrets, which may be read from files."""
    return {name for name, field, _ in _walk(settings_class, "") if _is_secret(field.type)}


def _walk(
    settings_class: type[msgspec.Struct], prefix: str
) -> Iterator[tuple[str, msgspec.structs.FieldInfo, str]]:
    for field in msgspec.structs.fields(settings_class):
        name = f"{prefix}{field.name}".upper()
        if _is_group(field.type):
            yield from _walk(field.type, f"{prefix}{field.name}_")
        else:
            yield name, field, prefix


def _is_group(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _load(
    settings_class: type[msgspec.Struct],
    prefix: str,
    environment: Mapping[str, str],
    problems: list[str],
) -> object:
    values: dict[str, object] = {}
    found_before = len(problems)
    fields = msgspec.structs.fields(settings_class)
    for field in fields:
        if _is_group(field.type):
            group = _load(field.type, f"{prefix}{field.name}_", environment, problems)
            values[field.name] = group
            continue
        name = f"{prefix}{field.name}".upper()
        try:
            text = _given(name, field.type, environment)
        except ValueError as error:
            problems.append(str(error))
            continue
        if not text:
            if field.required:
                problems.append(f"{name} is not set")
            continue
        try:
            values[field.name] = _convert(text, field.type)
        except (msgspec.ValidationError, ValueError) as error:
            problems.append(f"{name}: {_explain(error, text, field.type)}")
    # Its own rules are asked all the same, with defaults in place of what is wrong, as long as
    # there are any: who has mended one thing is not to be told of the next.
    if any(field.required and field.name not in values for field in fields):
        return None
    try:
        settings = settings_class(**values)
    except ValueError as error:  # a rule, from __post_init__
        problems += map(str, error.args)
        return None
    return settings if len(problems) == found_before else None


def _given(name: str, kind: Any, environment: Mapping[str, str]) -> str:
    """Return a variable's text, for a secret also out of the file that `<name>_FILE` names."""
    text = environment.get(name, "").strip()
    file = environment.get(f"{name}_FILE", "").strip() if _is_secret(kind) else ""
    if not file:
        return text
    if text:
        raise ValueError(f"{name} and {name}_FILE are both set, and one of them must be empty")
    try:
        text = Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"{name}_FILE: {file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{name}_FILE: {file} is not UTF-8") from None
    if not text:
        raise ValueError(f"{name}_FILE: {file} is empty")
    return text


def _convert(text: str, kind: Any) -> object:
    bare = _bare(kind)
    if _is_secret(kind):
        return bare(text)
    if bare is Path:
        return Path(text)
    if bare is bool:
        if text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        raise ValueError("expected true or false")
    if typing.get_origin(bare) is tuple:
        return msgspec.convert(
            tuple(part.strip() for part in text.split(",") if part.strip()), kind
        )
    return msgspec.convert(text, kind, strict=False)


def _bare(kind: Any) -> Any:
    """Strip `Annotated[...]` and `| None` from a type."""
    if typing.get_origin(kind) is Annotated:
        return _bare(typing.get_args(kind)[0])
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        inner = [arg for arg in typing.get_args(kind) if arg is not type(None)]
        return _bare(inner[0])
    return kind


def _is_secret(kind: Any) -> bool:
    bare = _bare(kind)
    return isinstance(bare, type) and issubclass(bare, Secret)


def _explain(error: Exception, text: str, kind: Any) -> str:
    if _is_secret(kind):
        return str(error)
    if typing.get_origin(_bare(kind)) is typing.Literal:
        choices = ", ".join(str(choice) for choice in typing.get_args(_bare(kind)))
        return f"expected one of {choices}, got {text!r}"
    # msgspec says that it got a string, which every setting is.
    reason = str(error).partition(", got ")[0]
    return f"{reason}, got {text!r}"
