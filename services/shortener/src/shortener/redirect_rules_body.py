"""The body that sets a short URL's redirect rules, validated condition by condition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import UNSET

from shared.redirect_rule import Condition, RedirectRule
from shortener.condition_types import ConditionRefusedError, read_condition
from shortener.request_fields import Fields
from shortener.url_policy import LongUrlRefusedError, leads_back, parse_long_url

MAX_RULES = 50
MAX_CONDITIONS = 20
"""Of a rule. All rules of a link are in its cache entry, which each redirect reads."""

FIELD = "redirectRules"


@dataclass(frozen=True, slots=True)
class GivenRules:
    """Rules in their order, and the domains that their long URLs lead to."""

    rules: Sequence[RedirectRule]
    authorities: Sequence[str]

    @property
    def long_urls(self) -> list[str]:
        """Where they lead."""
        return [rule.long_url for rule in self.rules]


class _RefusedError(ValueError):
    """Something is wrong; str() says what and where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesReader:
    """Reads bodies under one configuration; what is bad is noted in the `Fields`."""

    default_domain: str
    url_schemes: tuple[str, ...]

    def read(self, body: Mapping[str, object], fields: Fields) -> GivenRules:
        """Read the body of a POST; the reason tells the first that is wrong."""
        given = body.get(FIELD, UNSET)
        if given is UNSET:
            fields.refuse(FIELD, "is required")
        elif not isinstance(given, list):
            fields.refuse(FIELD, "must be a list of rules")
        elif len(given) > MAX_RULES:
            fields.refuse(FIELD, f"must be at most {MAX_RULES} rules")
        else:
            try:
                return self._rules(given)
            except _RefusedError as error:
                fields.refuse(FIELD, str(error))
        return GivenRules((), ())

    def _rules(self, given: list[object]) -> GivenRules:
        rules, authorities = [], []
        for number, item in enumerate(given, 1):
            try:
                rule, authority = self._rule(item)
            except _RefusedError as error:
                raise _RefusedError(f"rule {number}: {error}") from None
            rules.append(rule)
            authorities.append(authority)
        return GivenRules(rules, authorities)

    def _rule(self, given: object) -> tuple[RedirectRule, str]:
        if not isinstance(given, Mapping):
            raise _RefusedError("must be an object")
        text = given.get("longUrl")
        if not isinstance(text, str) or not text.strip():
            raise _RefusedError("longUrl is required")
        try:
            long_url = parse_long_url(text.strip(), self.url_schemes)
        except LongUrlRefusedError as error:
            raise _RefusedError(f"longUrl {error}") from None
        if long_url.authority == self.default_domain:
            raise _RefusedError(f"longUrl {leads_back(long_url.authority)}")
        conditions = _conditions(given.get("conditions"))
        return RedirectRule(long_url.href, conditions), long_url.authority


def _conditions(given: object) -> tuple[Condition, ...]:
    if not isinstance(given, list):
        raise _RefusedError("conditions must be a list")
    if not given:
        # It would hold of everybody, and no rule after it of anybody.
        raise _RefusedError("conditions must not be empty")
    if len(given) > MAX_CONDITIONS:
        raise _RefusedError(f"conditions must be at most {MAX_CONDITIONS}")
    conditions = []
    for number, item in enumerate(given, 1):
        if not isinstance(item, Mapping):
            raise _RefusedError(f"condition {number} must be an object")
        try:
            conditions.append(read_condition(item))
        except ConditionRefusedError as error:
            raise _RefusedError(f"condition {number}: {error}") from None
    return tuple(conditions)
