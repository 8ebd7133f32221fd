"""What is read out of user agents, and who is a bot."""

import pytest
import ua_parser
from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # type: ignore[import-untyped]
from ua_parser.regex import Resolver

from click_ingest.user_agent import CACHED_USER_AGENTS, UserAgents
from shared.bots import BotPatterns

PEOPLE = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/124.0.0.0 Safari/537.36": ("Chrome", "Windows", None),
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Version/17.4 Mobile/15E148 Safari/604.1": ("Mobile Safari", "iOS", "iPhone"),
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": (
        "Firefox", "Linux", None,
    ),
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/17.0 Safari/605.1.15": ("Safari", "Mac OS X", "Mac"),
    "Mozilla/5.0 (Linux; Android 10; CUBOT_X18) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/90.0.4430.91 Mobile Safari/537.36": ("Chrome Mobile", "Android", "CUBOT_X18"),
    "Dalvik/2.1.0 (Linux; U; Android 10; SM-G960F)": ("Android", "Android", "Samsung SM-G960F"),
    "Opera/9.80 (J2ME/MIDP; Opera Mini/9.80; U; en) Presto/2.5.25 Version/10.54": (
        "Opera Mini", None, "Generic Feature Phone",
    ),
}  # fmt: skip

BOTS = [
    "",
    "   ",
    "curl/8.5.0",
    "curl/7.29.0 (x86_64-redhat-linux-gnu) libcurl/7.29.0",
    "Wget/1.21 (linux-gnu)",
    "python-requests/2.31.0",
    "Python/3.11 aiohttp/3.9.1",
    "Go-http-client/1.1",
    "okhttp/4.9.3",
    "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
    "PostmanRuntime/7.36.0",
    "kube-probe/1.29",
    "a-tool-of-tomorrow/0.1",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like"
    " Gecko) Chrome/41.0.2272.96 Mobile Safari/537.36 (compatible; Googlebot/2.1)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "WhatsApp/2.19.81 A",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "Mozilla/5.0 (compatible; SomeNewSpider/1.0)",
]


@pytest.fixture(scope="module")
def user_agents() -> UserAgents:
    """One for all tests, since it takes a moment to make."""
    return UserAgents()


@pytest.mark.parametrize("text", PEOPLE, ids=lambda text: text[:40])
def test_browsers_are_people(user_agents: UserAgents, text: str) -> None:
    """Browser, system and device are named, and nobody is called a bot."""
    found = user_agents.recognise(text)
    assert (found.browser, found.operating_system, found.device) == PEOPLE[text]
    assert not found.is_bot


@pytest.mark.parametrize("text", BOTS, ids=lambda text: text[:40] or "empty")
def test_programs_are_bots(user_agents: UserAgents, text: str) -> None:
    """Crawlers, previews, tools and the silent are flagged."""
    assert user_agents.recognise(text).is_bot


def test_whatever_the_redirector_takes_for_a_bot_is_one_here(user_agents: UserAgents) -> None:
    """Both look for the same patterns: all examples of their package are bots to both."""
    examples = [
        text
        for entry in CRAWLER_USER_AGENTS_DATA
        for text in entry["instances"]
        if len(text) <= 512
    ]
    assert len(examples) > 1000
    is_bot = BotPatterns().is_bot
    differ = [text for text in examples if is_bot(text) and not user_agents.recognise(text).is_bot]
    assert differ == []


def test_the_patterns_alone_agree_on_browsers(user_agents: UserAgents) -> None:
    """Nobody is a bot to the redirector and a person here, or the other way round."""
    is_bot = BotPatterns().is_bot
    assert [text for text in PEOPLE if is_bot(text)] == []


def test_the_rust_matchers_are_loaded() -> None:
    """Without them every new user agent would cost half a millisecond."""
    assert ua_parser.BestAvailableResolver is Resolver


def test_what_is_very_long_is_looked_at_in_part(user_agents: UserAgents) -> None:
    """Bytes above the limit play no part, so that nobody can make the matchers work for long."""
    browser = next(iter(PEOPLE))
    padded = browser + " " * (512 - len(browser)) + "Googlebot/2.1"
    assert not user_agents.recognise(padded).is_bot
    assert user_agents.recognise("é" * 100_000).is_bot


def test_odd_characters_do_no_harm(user_agents: UserAgents) -> None:
    """Text that cannot be encoded is read like any other."""
    assert user_agents.recognise("curl/8 \ud800").is_bot
    assert user_agents.recognise("\x00").is_bot


def test_repeats_come_from_memory(user_agents: UserAgents) -> None:
    """The newest user agents are remembered, a bounded number of them."""
    user_agents.recognise.cache_clear()
    for _ in range(3):
        user_agents.recognise(next(iter(PEOPLE)))
    info = user_agents.recognise.cache_info()
    assert (info.hits, info.misses, info.maxsize) == (2, 1, CACHED_USER_AGENTS)
