"""Devices and browsers, recognised for redirect rules."""

import pytest

from click_ingest.user_agent import UserAgents
from redirector.device import recognise

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
LINUX = "Mozilla/5.0 (X11; Linux x86_64)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X)"
IPAD = "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X)"
ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8)"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
CHROME = f"{WEBKIT} Chrome/138.0.0.0 Safari/537.36"
MOBILE_CHROME = f"{WEBKIT} Chrome/138.0.0.0 Mobile Safari/537.36"

# The user agent, the kinds of device, and the browser; last what ua-parser calls that browser.
KNOWN = [
    (f"{WINDOWS} {CHROME}", "windows desktop", "chrome", "Chrome"),
    (f"{MAC} {CHROME}", "macos desktop", "chrome", "Chrome"),
    (f"{ANDROID} {MOBILE_CHROME}", "android mobile", "chrome", "Chrome Mobile"),
    (f"{IPHONE} {APPLE} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
     "ios mobile", "chrome", "Chrome Mobile iOS"),
    (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME}", "chromeos desktop", "chrome", "Chrome"),
    (f"{WINDOWS} {CHROME} Edg/138.0.0.0", "windows desktop", "edge", "Edge"),
    (f"{ANDROID} {MOBILE_CHROME} EdgA/138.0.0.0", "android mobile", "edge", "Edge Mobile"),
    (f"{IPHONE} {APPLE} Version/17.0 EdgiOS/126.0 Mobile/15E148 Safari/605.1.15",
     "ios mobile", "edge", "Edge Mobile"),
    (f"{WINDOWS} {CHROME} OPR/112.0.0.0", "windows desktop", "opera", "Opera"),
    (f"{ANDROID} {MOBILE_CHROME} OPR/83.0.0.0", "android mobile", "opera", "Opera Mobile"),
    ("Opera/9.80 (Android; Opera Mini/36.2/119.132; U; id) Presto/2.12.423 Version/12.16",
     "android mobile", "opera", "Opera Mini"),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
     "windows desktop", "firefox", "Firefox"),
    ("Mozilla/5.0 (Android 14; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0",
     "android mobile", "firefox", "Firefox Mobile"),
    (f"{IPHONE} {APPLE} FxiOS/127.0 Mobile/15E148 Safari/605.1.15",
     "ios mobile", "firefox", "Firefox iOS"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
     "linux desktop", "firefox", "Firefox"),
    (f"{MAC} {APPLE} Version/17.5 Safari/605.1.15", "macos desktop", "safari", "Safari"),
    (f"{IPHONE} {APPLE} Version/17.5 Mobile/15E148 Safari/604.1",
     "ios mobile", "safari", "Mobile Safari"),
    (f"{IPAD} {APPLE} Version/17.5 Mobile/15E148 Safari/604.1",
     "ios mobile", "safari", "Mobile Safari"),
    ("Mozilla/5.0 (Linux; U; Android 4.0.3; de-de; GT-I9100) AppleWebKit/534.30"
     " (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
     "android mobile", "android_browser", "Android"),
    (f"{ANDROID} {WEBKIT} SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36",
     "android mobile", None, "Samsung Internet"),
    (f"{WINDOWS} {CHROME} Vivaldi/6.8", "windows desktop", None, "Vivaldi"),
    ("Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) AppleWebKit/537.36 (KHTML, like Gecko)"
     " Version/4.0 Chrome/138.0.0.0 Mobile Safari/537.36",
     "android mobile", None, "Chrome Mobile WebView"),
    ("Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
     "windows desktop", None, "IE"),
    (f"{LINUX} {WEBKIT} HeadlessChrome/138.0.0.0 Safari/537.36",
     "linux desktop", None, "HeadlessChrome"),
]  # fmt: skip

FAMILIES = {
    "chrome": {"Chrome", "Chrome Mobile", "Chrome Mobile iOS"},
    "edge": {"Edge", "Edge Mobile"},
    "opera": {"Opera", "Opera Mobile", "Opera Mini"},
    "firefox": {"Firefox", "Firefox Mobile", "Firefox iOS"},
    "safari": {"Safari", "Mobile Safari"},
    "android_browser": {"Android"},
}


@pytest.mark.parametrize(("user_agent", "kinds", "browser", "family"), KNOWN)
def test_known_user_agents(user_agent: str, kinds: str, browser: str | None, family: str) -> None:
    """A visitor has one system, is mobile or at a desktop, and has at most one known browser."""
    device = recognise(user_agent.encode())
    assert (" ".join(sorted(device.kinds)), device.browser) == (
        " ".join(sorted(kinds.split())),
        browser,
    )


def test_it_agrees_with_what_clicks_are_stored_with() -> None:
    """ua-parser, which looks more closely, calls these browsers the same."""
    agents = UserAgents()
    for user_agent, _, browser, family in KNOWN:
        assert agents.recognise(user_agent).browser == family
        assert (
            (family in FAMILIES[browser])
            if browser
            else all(family not in families for families in FAMILIES.values())
        )


@pytest.mark.parametrize(
    ("user_agent", "kinds"),
    [
        ("", ""),
        ("curl/8.5.0", ""),
        ("Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/538.1 Safari/538.1", ""),
        ("Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Lumia 950) Edge/15.1", "mobile"),
        ("Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48) Gecko/48 Firefox/48 KAIOS/2.5", "mobile"),
        ("Mozilla/5.0 (X11; FreeBSD amd64; rv:140.0) Gecko/20100101 Firefox/140.0", "desktop"),
        ("\xff\xfe", ""),
    ],
)  # fmt: skip
def test_odd_devices(user_agent: str, kinds: str) -> None:
    """What cannot be told is nothing, and no error."""
    assert recognise(user_agent.encode("latin-1")).kinds == frozenset(kinds.split())
