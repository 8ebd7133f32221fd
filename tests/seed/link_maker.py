"""What the seeded link of a number is: its short code and its long URL, computed and not drawn.

Both follow from the seed and the link's id alone, so whoever knows these knows every link without
reading a row.
"""

import hashlib
import random

from shared.short_code import ALPHABET

CODE_LENGTH = 7
"""The default of SHORT_CODE_LENGTH."""

_BASE = len(ALPHABET)
_SPACE: int = _BASE**CODE_LENGTH
_LOW: int = _BASE**3
_HIGH = _SPACE // _LOW
# Odd and no multiples of 31, the two primes of 62: multiplying by them is a permutation.
_STEPS = (2_176_477_521_927, 1_345_136_084_437)

_HOSTS = (
    "www.example.com", "shop.example.com", "news.example.org", "docs.example.org", "example.net",
    "blog.example.net", "events.example.com", "tickets.example.org", "careers.example.com",
    "media.example.net", "xn--bcher-kva.example", "intranet.example.org:8443",
)  # fmt: skip
_WORDS = (
    "articles", "spring", "sale", "2026", "how-to-choose-a-bicycle", "en", "de-at", "products",
    "summer-collection", "report", "q3", "index.html", "category", "annual-review", "guide",
    "what-we-learned-from-ten-years-of-counting-clicks", "p", "jobs", "%E6%9D%B1%E4%BA%AC", "a",
)  # fmt: skip
_QUERIES = (
    "?utm_source=newsletter&utm_medium=email&utm_campaign=spring", "?ref=qr", "?id={}", "#{}",
    "?utm_source=social&utm_medium=post&utm_content={}",
)  # fmt: skip
_SHARE_WITH_QUERY = 100
_SHARE_LONG = 8
"""Both of 256: what bytes of the digest are compared with."""


class LinkMaker:
    """Makes the links of one seed; distinct ids below 62 ** 7 have distinct codes."""

    __slots__ = ("_pairs", "_salt", "_shifts")

    def __init__(self, seed: int) -> None:
        draw = random.Random(f"links {seed}")  # noqa: S311 - a repeatable choice, no secret
        self._shifts = (draw.randrange(_SPACE), draw.randrange(_SPACE))
        self._salt = draw.randbytes(16)
        self._pairs = [high + low for high in ALPHABET for low in ALPHABET]

    def code(self, link_id: int) -> str:
        """Return the short code: two steps through all codes, so that neighbours look unlike."""
        number = (link_id * _STEPS[0] + self._shifts[0]) % _SPACE
        high, low = divmod(number, _LOW)
        number = ((low * _HIGH + high) * _STEPS[1] + self._shifts[1]) % _SPACE
        number, last = divmod(number, _BASE)
        number, third = divmod(number, _BASE**2)
        first, second = divmod(number, _BASE**2)
        pairs = self._pairs
        return pairs[first] + pairs[second] + pairs[third] + ALPHABET[last]

    def long_url(self, link_id: int) -> str:
        """Return the long URL: 20 to 130 characters, one in 32 of them up to 1,100."""
        digest = hashlib.blake2b(b"%d" % link_id, salt=self._salt, digest_size=16).digest()
        host = _HOSTS[digest[0] % len(_HOSTS)]
        words = [_WORDS[byte % len(_WORDS)] for byte in digest[5 : 6 + digest[1] % 4]]
        tail = digest[10:].hex()
        if digest[2] < _SHARE_WITH_QUERY:
            words[-1] += _QUERIES[digest[3] % len(_QUERIES)].format(tail)
        elif digest[2] >= 256 - _SHARE_LONG:
            words.append(tail * (4 + digest[4] % 80))
        return f"https://{host}/{'/'.join(words)}"
