"""Who asks: browsers and bots as endings of a request, drawn once and then used in turn."""

from collections.abc import Mapping
from random import Random

DRAWN = 4093
"""A prime, so that no link of a repeating order always meets the same visitor."""

_USER_AGENTS = {
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/138.0.0.0 Mobile Safari/537.36": 40,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Version/18.5 Mobile/15E148 Safari/604.1": 22,
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/138.0.0.0 Safari/537.36": 20,
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": 8,
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": 6,
    "WhatsApp/2.24.17.76 A": 4,
}
_REFERERS = {
    "": 60,
    "https://www.google.com/": 15,
    "https://t.co/": 10,
    "https://l.facebook.com/": 10,
    "https://news.example.org/articles/what-we-learned?page=2": 5,
}
_LANGUAGES = {"en-US,en;q=0.9": 60, "de-AT,de;q=0.9,en;q=0.6": 25, "fr-FR,fr;q=0.9": 15}


def visitor_endings(host: str, random: Random) -> list[str]:
    """Draw the visitors of a site."""

    def draw(shares: Mapping[str, int]) -> list[str]:
        return random.choices([*shares], [*shares.values()], k=DRAWN)

    return [
        ending(host, {"User-Agent": agent, "Referer": referer, "Accept-Language": language})
        for agent, referer, language in zip(
            draw(_USER_AGENTS), draw(_REFERERS), draw(_LANGUAGES), strict=True
        )
    ]


def ending(host: str, headers: Mapping[str, str], body: str = "") -> str:
    """Return what follows a request's target; a header without text is left out."""
    lines = [" HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {text}" for name, text in headers.items() if text]
    if body:
        lines.append(f"Content-Length: {len(body.encode())}")
    return "\r\n".join(lines) + f"\r\n\r\n{body}"
