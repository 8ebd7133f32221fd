"""Keys of the API from the command line: `python -m shortener.api_key_command create reports`."""

import argparse
import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import msgspec

from shared.db.engine import create_engine
from shared.domain_name import DomainRefusedError, parse_domain
from shared.settings import DatabaseSettings, SettingsError, load
from shortener.api_keys import (
    ApiKey,
    ApiKeyNotFoundError,
    ApiKeys,
    ApiKeyTakenError,
    utc_now,
)
from shortener.key_roles import Role
from shortener.transactions import DatabaseUnavailableError

_LINE = "{:<24} {:<9} {:<20} {}"


class ApiKeySettings(msgspec.Struct, frozen=True):
    """What the command line reads."""

    database: DatabaseSettings
    default_domain: str = ""
    public_scheme: Literal["http", "https"] = "https"


class _RefusedError(Exception):
    """The arguments make no sense together; str() says why."""


async def _run(settings: ApiKeySettings, options: argparse.Namespace) -> str:
    engine = create_engine(
        settings.database.url,
        application_name="qck-api-keys",
        pool_size=1,
        statement_timeout_s=5,
    )
    try:
        return await _do(ApiKeys(engine), settings, options)
    finally:
        await engine.dispose()


async def _do(keys: ApiKeys, settings: ApiKeySettings, options: argparse.Namespace) -> str:
    if options.action == "list":
        return _table(await keys.list())
    if options.action == "rotate":
        return (await keys.rotate(options.name)).reveal()
    if options.action == "disable":
        await keys.disable(options.name)
        return f"{options.name} is disabled"
    key = await keys.create(
        options.name,
        roles=options.role,
        domain=_domain(settings, options),
        expires_at=options.expires,
    )
    return key.reveal()


def _domain(settings: ApiKeySettings, options: argparse.Namespace) -> str | None:
    if (Role.DOMAIN_SPECIFIC in options.role) != bool(options.domain):
        raise _RefusedError(f"{Role.DOMAIN_SPECIFIC} and a domain go together")
    if not options.domain:
        return None
    domain = parse_domain(options.domain, settings.public_scheme)
    if settings.default_domain and domain == parse_domain(
        settings.default_domain, settings.public_scheme
    ):
        raise _RefusedError(f"{domain} is the default domain, which no key can be limited to")
    return domain


def _table(keys: Sequence[ApiKey]) -> str:
    lines = [_LINE.format("name", "state", "expires", "limits")]
    for key in keys:
        state = (
            "disabled" if not key.is_enabled else "valid" if key.is_valid(utc_now()) else "expired"
        )
        expires = "never" if key.expires_at is None else f"{key.expires_at:%Y-%m-%d %H:%M} UTC"
        limits = ", ".join(key.roles) + (f" ({key.domain})" if key.domain else "")
        lines.append(_LINE.format(key.name, state, expires, limits or "none").rstrip())
    return "\n".join(lines)


# Public names, because the parser's messages have them.
def date(text: str) -> datetime:
    """Read a date or a time, in UTC unless it says otherwise."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def name(text: str) -> str:
    """Read a name, which is not empty."""
    if not text.strip():
        raise ValueError
    return text.strip()


def role(text: str) -> list[Role]:
    """Read one role, or several with commas between them."""
    return [Role(word.strip()) for word in text.split(",") if word.strip()]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="api_keys", description="Keys of the API.")
    actions = parser.add_subparsers(dest="action", required=True)
    create = actions.add_parser("create", help="make one and print it, this once")
    create.add_argument("name", type=name)
    create.add_argument(
        "--role", type=role, default=[], help=f"comma-separated: {', '.join(Role)}"
    )
    create.add_argument("--domain", help="the one that DOMAIN_SPECIFIC means")
    create.add_argument("--expires", type=date, help="2027-01-31, or with a time, in UTC")
    actions.add_parser("list", help="show all, without the keys themselves")
    for action, text in (("disable", "let it open nothing"), ("rotate", "print a new one for it")):
        actions.add_parser(action, help=text).add_argument("name", type=name)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the arguments say; print the result, or exit with what was wrong."""
    options = _parser().parse_args(arguments)
    try:
        settings = load(ApiKeySettings, os.environ)  # noqa: TID251 - an entry point
        result = asyncio.run(_run(settings, options))
    except ApiKeyTakenError:
        raise SystemExit(f"api_keys: there is a key named {options.name!r} already") from None
    except ApiKeyNotFoundError:
        raise SystemExit(f"api_keys: there is no key named {options.name!r}") from None
    except DomainRefusedError as error:
        raise SystemExit(f"api_keys: the domain {error}") from None
    except (SettingsError, DatabaseUnavailableError, _RefusedError) as error:
        raise SystemExit(f"api_keys: {error}") from None
    print(result)  # noqa: T201 - what the command is for


if __name__ == "__main__":
    main()
