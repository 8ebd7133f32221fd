"""The request that all cases of the redirector are about, as nginx words it and as ASGI has it."""

from typing import Any

from redirector.click import ClickMaker
from redirector.request import HEAD_OF_NGINX, Request
from shared.settings import Secret

DOMAIN = "go.example"
CODE = "Qc7kZx2"
LOCATION = "https://shop.example.com/spring/how-to-choose-a-bicycle?utm_source=mail&id=42"
NOW_MS = 1_800_000_000_123

_HEADERS = {
    "Host": DOMAIN,
    "X-Request-Id": "8f14e45fceea167a5a36dedd4bea2543",
    "X-Request-Start": "1800000000.123",
    "X-Real-IP": "203.0.113.77",
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36"
    " (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
    "Referer": "https://news.example.org/articles/what-we-learned?page=2",
    "Accept-Language": "de-AT,de;q=0.9,en;q=0.6",
}

HEAD = (
    f"GET /{CODE} HTTP/1.1\r\n"
    + "".join(f"{name}: {value}\r\n" for name, value in _HEADERS.items())
    + "\r\n"
).encode()

SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "GET",
    "path": f"/{CODE}",
    "raw_path": f"/{CODE}".encode(),
    "query_string": b"",
    "headers": [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()],
}


def a_request() -> Request:
    """Return the request, taken apart."""
    match = HEAD_OF_NGINX.fullmatch(HEAD)
    assert match is not None, "nginx's form of a request is another one"
    return Request.from_head(match)


def a_click_maker() -> ClickMaker:
    """Return what makes its click."""
    return ClickMaker(
        default_domain=DOMAIN, scheme="https", visitor_hash_key=Secret("k" * 32), anonymize_ip=True
    )
