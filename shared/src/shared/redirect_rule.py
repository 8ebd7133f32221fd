"""Redirect rules as they are stored, in `links.rules` and in the cache: JSON, in their order.

The shortener writes what it has validated. A redirector reads what may come from a newer
shortener, so a type of condition that it does not know is no error: it never holds.
"""

from collections.abc import Sequence

import msgspec


class Condition(msgspec.Struct, frozen=True, rename="camel"):
    """What must hold of a visitor; which of the two values is given depends on the type."""

    type: str
    match_key: str | None
    match_value: str | None


class RedirectRule(msgspec.Struct, frozen=True, rename="camel"):
    """Where visitors are led of whom all conditions hold; without any, that is everybody."""

    long_url: str
    conditions: tuple[Condition, ...]


_DECODER = msgspec.json.Decoder(tuple[RedirectRule, ...])


def encode_rules(rules: Sequence[RedirectRule]) -> str:
    """Make the JSON of rules, the first one that matches first."""
    return msgspec.json.encode(rules).decode()


def decode_rules(stored: str | bytes) -> tuple[RedirectRule, ...]:
    """Undo `encode_rules`, however PostgreSQL has spaced and ordered it since.

    Raises:
        msgspec.DecodeError: these are no rules.
    """
    return _DECODER.decode(stored)
