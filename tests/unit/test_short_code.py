"""What a short code is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.short_code import ALPHABET, MAX_LENGTH, RESERVED, is_reserved, is_well_formed


@pytest.mark.parametrize(
    "code",
    ["a", "Abc-123_x", "promo.2026", "é", "😀", "👨‍👩‍👧", "кот", "a" * MAX_LENGTH, "$(x)", "..."],
)
def test_well_formed(code: str) -> None:
    """Letters and digits of any script, emoji and most punctuation make a code."""
    assert is_well_formed(code)


@pytest.mark.parametrize(
    "code",
    [
        "", ".", "..", "a b", "a\n", "\na", "a\r", "a\tb", "\0", "a/b", "a\\b", "a?b", "a#b",
        "a%41", "a:b", "a@b", "[a]", "<a>", '"a"', "a\x7f", "a\xa0b", "a\u200bb", "a\u202eb",
        "\ufffd", chr(0xD800), "a" * (MAX_LENGTH + 1),
    ],
)  # fmt: skip
def test_malformed(code: str) -> None:
    """White space, controls, invisible characters and URL syntax make none."""
    assert not is_well_formed(code)


@given(st.text(alphabet=ALPHABET, min_size=1, max_size=MAX_LENGTH))
def test_every_random_code_is_well_formed(code: str) -> None:
    """Whatever is drawn from the alphabet is a code."""
    assert is_well_formed(code)


@given(st.text())
def test_a_well_formed_code_survives_utf8(code: str) -> None:
    """A code can be a key, a path and a column: it encodes, without control characters."""
    if is_well_formed(code):
        assert code.encode().decode() == code
        assert code.isprintable() or "\u200d" in code or not code.isascii()


def test_reserved() -> None:
    """Paths of our own cannot be taken, in any case of letters."""
    assert all(is_reserved(code) for code in RESERVED)
    assert is_reserved("Metrics")
    assert is_reserved(".well-known")
    assert not is_reserved("metrics2")
