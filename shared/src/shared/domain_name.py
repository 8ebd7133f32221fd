"""What the domain of a short URL may be: a host with an optional port, spelt in one way."""

import re

import can_ada

MAX_LENGTH = 255

# What would end the authority of a URL, or change its meaning, is refused before the parser sees
# it; so are white space and control characters, which it would drop without a word.
_SHAPE = re.compile(r"[^\s\x00-\x20\x7f-\x9f/?#@\\%\[\]<>^`{|}:]+(?::(\d{1,5}))?")
_LOOPBACK = re.compile(r"127(\.\d+){3}")


class DomainRefusedError(ValueError):
    """The text is no domain; str() says why."""


def parse_domain(text: str, scheme: str) -> str:
    """Return `host` or `host:port` as it is stored: lower case, punycode, no default port.

    Raises:
        DomainRefusedError: it is no host with an optional port.
    """
    if len(text) > MAX_LENGTH:
        raise DomainRefusedError(f"is longer than {MAX_LENGTH} characters")
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise DomainRefusedError("is not a host name with an optional port")
    if shape[1] is not None and not 1 <= int(shape[1]) <= 65535:
        raise DomainRefusedError("has a port that is not between 1 and 65535")
    try:
        url = can_ada.parse(f"{scheme}://{text}/")
    except ValueError:
        raise DomainRefusedError("is not a valid host name") from None
    if has_empty_label(url.hostname) or len(url.host) > MAX_LENGTH:
        raise DomainRefusedError("is not a valid host name")
    return url.host


def has_empty_label(hostname: str) -> bool:
    """Tell whether a part between the dots is missing, as in `a..b` or `a.`."""
    return not all(hostname.split("."))


def is_loopback(domain: str) -> bool:
    """Tell whether a parsed domain is an address that only its own machine can reach."""
    return _LOOPBACK.fullmatch(domain.partition(":")[0]) is not None
