"""The links that seeding makes, without a database."""

from itertools import islice

from shared.short_code import is_well_formed
from shortener.url_policy import parse_long_url
from tests.seed.link_maker import CODE_LENGTH, LinkMaker
from tests.seed.links import SeededLinks

SOME = range(1, 50_001)


def test_codes_of_one_seed_are_distinct_and_well_formed() -> None:
    """Fifty thousand neighbouring ids have as many codes, each one fit for a link."""
    maker = LinkMaker(7)
    codes = {maker.code(link_id) for link_id in SOME}
    assert len(codes) == len(SOME)
    assert all(len(code) == CODE_LENGTH and is_well_formed(code) for code in codes)


def test_codes_begin_evenly() -> None:
    """No first character is much more frequent than another, as with random codes."""
    maker = LinkMaker(7)
    first = [maker.code(link_id)[0] for link_id in SOME]
    counts = [first.count(each) for each in set(first)]
    assert len(counts) == 62
    assert max(counts) < 2 * min(counts)


def test_long_urls_are_as_the_shortener_stores_them() -> None:
    """Normalising changes nothing, and lengths vary from short to very long."""
    maker = LinkMaker(7)
    urls = [maker.long_url(link_id) for link_id in SOME[:5000]]
    assert [parse_long_url(url, ["https"]).href for url in urls] == urls
    assert min(map(len, urls)) < 30
    assert max(map(len, urls)) > 800


def test_codes_can_be_listed_from_seed_and_ids() -> None:
    """What a run returns knows its codes without a database."""
    seeded = SeededLinks(7, (range(5, 8), range(20, 21)))
    assert len(seeded) == 4
    assert list(seeded.codes()) == [LinkMaker(7).code(each) for each in (5, 6, 7, 20)]
    assert list(islice(SeededLinks(8, (range(5, 8),)).codes(), 1)) != [LinkMaker(7).code(5)]
