"""The benchmark's load: what visitors ask for, what wrk says, and which clicks must be there."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from shared.click_event import decode_lines, encode_lines
from tests.bench.click_lines import PER_MS, ClickLines
from tests.bench.stored import Answered, Stored, judge
from tests.bench.wrk import CONNECTIONS, VISITORS, Load, parse_output, visitor_lines
from tests.support.zipf import draw_rank

A_LOAD = Load(requests=1000, failed=10, lost=1, timeouts=0, duration_us=2_000_000)

OUTPUT = """\
Running 2s test @ http://127.0.0.1:8080
  2 threads and 64 connections
  1000 requests in 2.00s, 0.98MB read
  Non-2xx or 3xx responses: 10
Requests/sec:    500.00
counted {"requests": 1000, "failed": 10, "lost": 1, "timeouts": 0, "duration_us": 2000000}
"""


def test_the_output_of_wrk_is_read() -> None:
    """The counts are those of visits.lua, and only redirects count for the speed."""
    load = parse_output(OUTPUT)
    assert load == A_LOAD
    assert (load.redirects, load.per_second) == (990, 495)


def test_a_run_that_failed_is_told_with_what_wrk_said() -> None:
    """Without counts there is no figure to be had."""
    with pytest.raises(RuntimeError, match="unable to connect"):
        parse_output("unable to connect to 127.0.0.1:1 Connection refused\n")


def test_every_visitor_is_a_line_of_names_and_texts() -> None:
    """Headers come in pairs, without line breaks, and a header without text is left out."""
    lines = visitor_lines(Random(1)).splitlines()  # noqa: S311 - no secret
    assert len(lines) == VISITORS
    for words in (line.split("\t") for line in lines if line):
        assert set(words[::2]) <= {"User-Agent", "Accept-Language", "Referer"}
        assert len(words) % 2 == 0
        assert all(words)
    assert len(set(lines)) > 100


def test_ranks_are_drawn_by_zipfs_law() -> None:
    """The first rank comes about twice as often as the second, and the last one does come."""
    random = Random(1)  # noqa: S311 - no secret
    drawn = Counter(draw_rank(random, 20) for _ in range(20_000))
    assert set(drawn) == set(range(1, 21))
    assert 1.4 < drawn[1] / drawn[2] < 2.0
    assert drawn[1] / 20_000 == pytest.approx(0.23, abs=0.02)


def test_lines_of_clicks_are_what_the_encoder_writes() -> None:
    """Each decodes, and encodes to the same bytes again; ids differ and times move on."""
    lines = ClickLines(seed=1)
    body = lines.message(1_700_000_000_123, 3 * PER_MS)
    clicks = decode_lines(body)
    assert encode_lines(clicks) == body
    assert len({click.id for click in clicks}) == len(clicks) == 3 * PER_MS
    assert [round(click.clicked_at.timestamp() * 1000) for click in clicks[::PER_MS]] == [
        1_700_000_000_123,
        1_700_000_000_124,
        1_700_000_000_125,
    ]
    assert all(click.redirect_url and len(click.request_id) == 32 for click in clicks)


def an_account(**changes: int) -> Stored:
    """Make what the database has of 1,000 answered redirects."""
    stored = Stored(rows=1000, counted=1000, stored=1000, ledger_holes=0)
    return replace(stored, **changes)


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        pytest.param(an_account(), [], id="all of them"),
        pytest.param(an_account(rows=1064, counted=1064, stored=1064), [], id="and those cut off"),
        pytest.param(
            an_account(rows=1065, counted=1065, stored=1065),
            ["1 rows more than there can have been visits"],
            id="one too many",
        ),
        pytest.param(
            an_account(rows=999, counted=999, stored=999),
            ["1 redirects that were answered have no row"],
            id="one lost",
        ),
        pytest.param(
            an_account(counted=998),
            ["1,000 rows, but 998 clicks in the counts"],
            id="counted wrong",
        ),
        pytest.param(
            an_account(stored=1001, ledger_holes=2),
            ["1,000 rows, but 1,001 clicks in the ledger", "2 spools have holes in the ledger"],
            id="a ledger that disagrees",
        ),
    ],
)
def test_rows_must_be_those_of_answered_visits(stored: Stored, found: list[str]) -> None:
    """Fewer rows are lost clicks; more can only be visits that were cut off at the end."""
    assert judge(Answered(redirects=1000, perhaps=64), stored) == found


def test_each_run_may_have_cut_off_a_visit_on_every_connection() -> None:
    """So may failed answers and broken connections have got as far as the spool."""
    answered = Answered()
    answered.note(A_LOAD, A_LOAD)
    assert answered.redirects == 2 * 990
    assert answered.perhaps == 2 * (CONNECTIONS + 11)
