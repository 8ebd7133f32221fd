"""Who asks: browsers and bots as endings of a request, drawn once and then used in turn."""

from collections.abc import Mapping
from random import Random

from tests.seed.visitors import COUNTRIES, REFERERS, USER_AGENTS

DRAWN = 4093
"""A prime, so that no link of a repeating order always meets the same visitor."""


def visitor_endings(host: str, random: Random) -> list[str]:
    """Draw the visitors of a site."""

    agents = random.choices([*USER_AGENTS], [*USER_AGENTS.values()], k=DRAWN)
    referers = random.choices([*REFERERS], [*REFERERS.values()], k=DRAWN)
    countries = random.choices([*COUNTRIES], [*COUNTRIES.values()], k=DRAWN)
    return [
        ending(host, {"User-Agent": agent, "Referer": referer, "Accept-Language": language})
        for agent, referer, (language, _) in zip(agents, referers, countries, strict=True)
    ]


def ending(host: str, headers: Mapping[str, str], body: str = "") -> str:
    """Return what follows a request's target; a header without text is left out."""
    lines = [" HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {text}" for name, text in headers.items() if text]
    if body:
        lines.append(f"Content-Length: {len(body.encode())}")
    return "\r\n".join(lines) + f"\r\n\r\n{body}"
