"""The shortener's hot functions."""

from shortener.code_generator import draw_codes
from shortener.url_policy import parse_long_url
from tests.bench.micro.case import Case, called
from tests.bench.micro.request import LOCATION

SCHEMES = ("http", "https")
LONG = "https://www.example.com/" + "a-rather-long-path/" * 90 + "?q=b%C3%BCcher"


def cases() -> list[Case]:
    """Make them."""
    return [
        called("code: drawn", lambda: next(draw_codes(7))),
        called("URL policy: usual URL", lambda: parse_long_url(LOCATION, SCHEMES)),
        called("URL policy: 1,700 characters", lambda: parse_long_url(LONG, SCHEMES)),
    ]
