"""Who clicks: browsers and bots of a few kinds, from a few countries, from a few pages.

A country is a language, which names it, and a range of addresses.
"""

from random import Random

from click_ingest.user_agent import UserAgents
from tests.seed.connections import copied

VISITORS = 3000
"""How many different ones share the clicks of one transaction."""

# Shares of clicks, roughly as public statistics of browsers have them; a tenth are programs.
USER_AGENTS = {
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/138.0.0.0 Mobile Safari/537.36": 28,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Version/18.5 Mobile/15E148 Safari/604.1": 21,
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/138.0.0.0 Safari/537.36": 18,
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0": 7,
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.5 Safari/605.1.15": 6,
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": 5,
    "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko)"
    " SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36": 5,
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": 3,
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)": 2,
    "WhatsApp/2.24.17.76 A": 2,
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)": 1,
    "curl/8.5.0": 1,
    "": 1,
}
COUNTRIES = {
    ("en-US,en;q=0.9", "23.45"): 30,
    ("de-AT,de;q=0.9,en;q=0.6", "77.116"): 18,
    ("en-GB,en;q=0.8", "81.2"): 12,
    ("fr-FR,fr;q=0.9,en-US;q=0.7", "90.84"): 9,
    ("es-MX,es;q=0.9", "187.190"): 8,
    ("pt-BR,pt;q=0.9,en;q=0.5", "177.32"): 8,
    ("hi-IN,hi;q=0.9,en-IN;q=0.8", "49.36"): 8,
    ("ja-JP", "126.12"): 5,
    ("", "34.64"): 2,
}
REFERERS = {
    "": 55,
    "https://www.google.com/": 14,
    "https://t.co/": 9,
    "https://l.facebook.com/": 8,
    "https://www.linkedin.com/": 5,
    "https://mail.example.com/inbox/": 4,
    "https://news.example.org/articles/what-we-learned?page=2": 3,
    "android-app://com.example.reader/": 2,
}

VISITOR_COLUMNS = (
    "is_bot", "user_agent", "browser", "operating_system", "device", "accept_language", "ip",
    "country", "visitor",
)  # fmt: skip


class Visitors:
    """Draws visitors; the user agents are recognised as click-ingest does it."""

    __slots__ = ("_agents",)

    def __init__(self) -> None:
        recognise = UserAgents().recognise
        self._agents: dict[tuple[bool, str], int] = {}
        for text, share in USER_AGENTS.items():
            found = recognise(text)
            values = [
                r"\N" if value is None else copied(value)
                for value in (found.browser, found.operating_system, found.device)
            ]
            self._agents[found.is_bot, "\t".join([copied(text), *values])] = share

    def draw(self, random: Random) -> list[tuple[bool, str]]:
        """Return `VISITORS` of them: whether it is a bot, and its `VISITOR_COLUMNS`."""
        agents = random.choices([*self._agents], [*self._agents.values()], k=VISITORS)
        countries = random.choices([*COUNTRIES], [*COUNTRIES.values()], k=VISITORS)
        visitors = []
        for (is_bot, agent), (language, network) in zip(agents, countries, strict=True):
            country = language[3:5] or r"\N"
            address = f"{network}.{random.randrange(256)}.0"
            visitor = f"{random.getrandbits(128):032x}"
            values = f"{'tf'[not is_bot]}\t{agent}\t{language}\t{address}\t{country}\t{visitor}"
            visitors.append((is_bot, values))
        return visitors

    def referers(self, random: Random, count: int) -> list[str]:
        """Return where so many clicks came from."""
        return random.choices([*REFERERS], [*REFERERS.values()], k=count)
