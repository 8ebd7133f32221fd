"""Request targets in raw UTF-8."""

import pytest

from shared.http_protocol import encode_target


@pytest.mark.parametrize(
    ("data", "encoded"),
    [
        (b"GET /\xc3\xa9?q=\xff HTTP/1.1\r\nA: b\r\n", b"GET /%C3%A9?q=%FF HTTP/1.1\r\nA: b\r\n"),
        (b"HEAD /%41\xc3\xa9 HTTP/1.0\r\n", b"HEAD /%41%C3%A9 HTTP/1.0\r\n"),
        (b"GET /a HTTP/1.1\r\nA: \xff\r\n", b"GET /a HTTP/1.1\r\nA: \xff\r\n"),
        (b"GET /\xc3 \xa9 HTTP/1.1\r\n", b"GET /\xc3 \xa9 HTTP/1.1\r\n"),
        (b"\xff\xfe", b"\xff\xfe"),
        (b"GET /\xc3\xa9", b"GET /\xc3\xa9"),
    ],
    ids=["path and query", "percent signs stay", "headers stay", "two spaces", "junk", "a piece"],
)
def test_only_the_target_is_encoded(data: bytes, encoded: bytes) -> None:
    """Bytes above ASCII in a whole request line are percent-encoded, all else stays as it came."""
    assert encode_target(data) == encoded
