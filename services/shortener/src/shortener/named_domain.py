"""The domain that a caller of the API names."""

from shared.domain_name import DomainRefusedError, parse_domain

DEFAULT_NAME = "DEFAULT"
"""What callers may call the default domain, wherever a domain is asked for."""


def named_domain(text: str, default_domain: str, scheme: str) -> str | None:
    """Return the domain that a list is asked for: '' for the default one, None for every domain.

    What is no domain comes back as it is: no link has such a domain, so the list is empty.
    """
    if not text:
        return None
    if text == DEFAULT_NAME:
        return ""
    try:
        domain = parse_domain(text, scheme)
    except DomainRefusedError:
        return text
    return "" if domain == default_domain else domain
