"""Random codes: length, alphabet, and what happens when many are taken."""

from itertools import islice

from shared.short_code import ALPHABET, is_well_formed
from shortener.code_generator import DRAWS_PER_LENGTH, MAX_EXTRA_LENGTH, draw_codes


def spelling(text: str) -> "Speller":
    """Return a source of characters that spells `text` over and over."""
    return Speller(text)


class Speller:
    """Stands in for `secrets.choice`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._next = 0

    def __call__(self, alphabet: str) -> str:
        """Return the next character."""
        character = self._text[self._next % len(self._text)]
        self._next += 1
        return character


def test_a_code_has_the_length_and_the_alphabet() -> None:
    """Codes are made of the 62 characters and nothing else."""
    for length in (4, 7, 32):
        code = next(draw_codes(length))
        assert len(code) == length
        assert set(code) <= set(ALPHABET)
        assert is_well_formed(code)


def test_codes_do_not_repeat() -> None:
    """A thousand fresh codes are a thousand different ones."""
    assert len({next(draw_codes(7)) for _ in range(1000)}) == 1000


def test_collisions_make_codes_longer_and_end() -> None:
    """After three taken codes in a row the next is longer; in the end there is none."""
    lengths = [len(code) for code in draw_codes(5)]
    assert lengths == [5 + more for more in range(MAX_EXTRA_LENGTH + 1) for _ in range(3)]
    assert len(lengths) == DRAWS_PER_LENGTH * (MAX_EXTRA_LENGTH + 1)


def test_the_prefix_comes_first_and_does_not_count() -> None:
    """The random part keeps its length."""
    code = next(draw_codes(4, "promo-"))
    assert code.startswith("promo-")
    assert len(code) == 10


def test_a_reserved_code_is_never_drawn() -> None:
    """A draw that spells a path of our own is drawn again."""
    codes = draw_codes(4, choose=spelling("restabcd"))
    assert list(islice(codes, 2)) == ["abcd", "abcd"]


def test_a_reserved_code_out_of_prefix_and_draw_is_not_drawn_either() -> None:
    """It is the whole code that may not be reserved."""
    codes = draw_codes(4, "met", choose=spelling("ricsabcd"))
    assert next(codes) == "metabcd"
