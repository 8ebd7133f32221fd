"""The settings of a local stack: .env, made from .env.example with fresh secrets, and checked."""

import re
import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values
from dotenv.variables import parse_variables

from local_stack.errors import SettingsError, StackError
from local_stack.home import write_private
from local_stack.prometheus import SPEED, speed_of
from shared.nginx_config import real_ip_rules
from shared.nginx_limits import limit_values
from shared.settings import SettingsError as LimitsError

SECRETS = (
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "RABBITMQ_PASSWORD",
    "INITIAL_API_KEY",
    "VISITOR_HASH_KEY",
)

DEFAULTS = {
    "PUBLIC_PORT": "8080",
    "API_PORT": "8081",
    "DEFAULT_DOMAIN": "localhost:${PUBLIC_PORT}",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """A stack's settings; `values` has them all as text, secrets included."""

    public_port: int
    api_port: int
    values: Mapping[str, str] = field(repr=False)


def fresh_secrets() -> dict[str, str]:
    """Return a new random value for each secret, fit for URLs."""
    return {name: secrets.token_urlsafe(32) for name in SECRETS}


def ensure_env_file(path: Path, example: Path) -> bool:
    """Make `path` from `example`, or fill in secrets that it lacks; tell whether it was made.

    Raises:
        StackError: there is neither file.
    """
    is_new = not path.exists()
    if is_new and not example.exists():
        raise StackError(f"{example} is missing, from which .env is made")
    text = (example if is_new else path).read_text()
    filled = _with_secrets(text)
    if is_new or filled != text:
        write_private(path, filled)
    return is_new


def setting_names(example: Path) -> set[str]:
    """Return the names of all settings in .env.example, also of those that it comments out."""
    return set(re.findall(r"^(?:# ?)?([A-Z][A-Z0-9_]*)=", example.read_text(), re.MULTILINE))


def misspelt(given: Collection[str], names: Collection[str]) -> Iterator[str]:
    """Say of each name that is nearly that of a setting, and none, which one it may be meant for.

    Other names stand in .env for somebody else, Compose for one.
    """
    for name in given:
        is_known = name in names or name.removesuffix("_FILE") in names
        if not is_known and (near := get_close_matches(name, names, n=1, cutoff=0.9)):
            yield f"{name} in .env is no setting: is {near[0]} meant?"


def read_settings(path: Path, environ: Mapping[str, str], names: Collection[str] = ()) -> Settings:
    """Read `path`, whose variables those in `environ` override.

    What `path` does not have is taken from `environ` if it is in `names`.

    Raises:
        SettingsError: with everything that is wrong.
    """
    raw = {**DEFAULTS, **dotenv_values(path, interpolate=False)}
    # Last, and not in the order of a set: what refers to others must come behind them.
    raw |= {name: "" for name in sorted(names) if name not in raw}
    values: dict[str, str] = {}
    for name, text in raw.items():
        # An override counts before others refer to it, so DEFAULT_DOMAIN follows PUBLIC_PORT.
        known = {**values, **environ}
        values[name] = environ.get(name) or "".join(
            part.resolve(known) for part in parse_variables(text or "")
        )
    problems: list[str] = []
    public_port = _port("PUBLIC_PORT", values, problems)
    api_port = _port("API_PORT", values, problems)
    if public_port and public_port == api_port:
        problems.append(f"PUBLIC_PORT and API_PORT are both {public_port}")
    problems += [f"{name} is empty" for name in SECRETS if not values.get(name)]
    try:
        real_ip_rules(values.get("TRUSTED_PROXIES", ""))
    except ValueError as error:
        problems.append(str(error))
    try:
        speed_of(values.get(SPEED, ""))
    except SettingsError as error:
        problems += error.problems
    try:
        limit_values(values)
    except LimitsError as error:
        problems += error.problems
    if problems:
        raise SettingsError(problems)
    return Settings(public_port=public_port, api_port=api_port, values=values)


def _port(name: str, values: Mapping[str, str], problems: list[str]) -> int:
    text = values[name].strip()
    if re.fullmatch(r"[0-9]{1,5}", text) and 1 <= int(text) <= 65_535:
        return int(text)
    problems.append(f"{name} is {text!r}: it must be a number from 1 to 65535")
    return 0


def _with_secrets(text: str) -> str:
    for name, secret in fresh_secrets().items():
        empty = re.compile(rf"""^{name}=[ \t]*(?:''|"")?[ \t]*(?:#.*)?$""", re.MULTILINE)
        if empty.search(text):
            text = empty.sub(f"{name}={secret}", text, count=1)
        elif not re.search(rf"^(?:export )?{name}=", text, re.MULTILINE):
            text = f"{text.rstrip()}\n{name}={secret}\n"
    return text
