"""The verdict of chaos runs: sets of answered and stored clicks, and which 503 is allowed."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.resilience.chaos.fault import Action, Episode, Fault
from tests.resilience.chaos.outages import Excuses
from tests.support.verdict import Stored, Verdict, judge
from tests.support.visit import Visit

LINKS = {"known", "other"}


def a_visit(
    request_id: str, status: int = 302, *, code: str = "known", due_at: float = 100.0
) -> Visit:
    """Make a visit that was answered within 5 ms."""
    return Visit(due_at, code, status, 5.0, request_id)


def a_stored(request_ids: Sequence[str], **changed: Any) -> Stored:
    """Make what is stored of these clicks, everything in agreement but for `changed`."""
    figures = dict.fromkeys(("hourly", "total", "ledger"), len(request_ids))
    rest = dict.fromkeys(("rollup_differences", "dead_lettered", "ledger_holes"), 0)
    return Stored(**{"request_ids": request_ids, **figures, **rest, **changed})


def judged(
    visits: Sequence[Visit], stored: Stored, *, shed: int = 0, is_excused: bool = False
) -> Verdict:
    """Judge with one opinion about every failure."""
    return judge(visits, links=LINKS, stored=stored, shed=shed, is_excused=lambda _: is_excused)


def test_one_row_for_each_answer_passes() -> None:
    """Redirects and the 404 of unknown codes have one row each, and nothing is wrong."""
    visits = [a_visit("a"), a_visit("b"), a_visit("c", 404, code="unknown")]
    verdict = judged(visits, a_stored(["a", "b", "c"]))
    assert verdict.passed
    assert (verdict.redirects, verdict.not_found, verdict.rows) == (2, 1, 3)


def test_an_answer_without_a_row_is_lost() -> None:
    """Sets are compared: another click's row does not make up for a missing one."""
    verdict = judged([a_visit("a"), a_visit("b")], a_stored(["a", "x"]))
    assert (verdict.lost, verdict.doubled) == (1, 1)
    assert not verdict.passed


def test_a_second_row_of_a_request_is_doubled() -> None:
    """Two rows of one request are one too many."""
    verdict = judged([a_visit("a")], a_stored(["a", "a"]))
    assert (verdict.lost, verdict.doubled) == (0, 1)


def test_shed_clicks_are_not_lost() -> None:
    """What the full disk refused and the counter counted is missing, as announced."""
    verdict = judged([a_visit("a"), a_visit("b")], a_stored(["a"]), shed=1)
    assert verdict.passed
    assert (verdict.missing, verdict.shed, verdict.lost) == (1, 1, 0)


def test_the_shed_counter_must_be_exact() -> None:
    """Counting a click as shed that is stored is as wrong as not counting one."""
    assert not judged([a_visit("a")], a_stored(["a"]), shed=1).passed
    assert judged([a_visit("a"), a_visit("b")], a_stored([]), shed=1).lost == 1


def test_a_visit_without_an_answer_fails_and_may_have_a_row() -> None:
    """Nobody can tell whether a click that was not answered is stored, so either is right."""
    visits = [a_visit("a"), a_visit("", 0)]
    for rows in (["a"], ["a", "unseen"]):
        verdict = judged(visits, a_stored(rows))
        assert (verdict.lost, verdict.doubled, verdict.failed) == (0, 0, 1)
        assert not verdict.passed


def test_a_wrong_answer_fails() -> None:
    """A known link that is not found and an unknown one that redirects have both failed."""
    visits = [a_visit("a", 404), a_visit("b", 302, code="unknown"), a_visit("c")]
    assert judged(visits, a_stored(["a", "b", "c"])).failed == 2


def test_an_excused_failure_is_noted_apart() -> None:
    """A 503 that was announced does not fail the run."""
    verdict = judged([a_visit("a"), a_visit("b", 503)], a_stored(["a"]), is_excused=True)
    assert verdict.passed
    assert (verdict.failed, verdict.excused) == (0, 1)


@pytest.mark.parametrize(
    "changed",
    [
        {"hourly": 2},
        {"total": 0},
        {"ledger": 2},
        {"rollup_differences": 2},
        {"dead_lettered": 1},
        {"ledger_holes": 1},
        {"missing_links": 1},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_counts_must_agree_with_rows(changed: dict[str, int]) -> None:
    """A rollup, the ledger or a link that does not agree fails the run."""
    assert not judged([a_visit("a")], a_stored(["a"], **changed)).passed


def test_a_run_without_redirects_proves_nothing() -> None:
    """Nothing lost of nothing is no success."""
    assert not judged([], a_stored([])).passed


def an_outage(component: str, action: Action, began_at: float, well_at: float) -> Episode:
    """Make an episode."""
    return Episode(Fault(component, action, 0, 0), began_at, well_at)


POSTGRES_AWAY = an_outage("postgres", Action.STOP, 100, 110)


def test_a_link_that_was_not_cached_is_excused_while_postgres_is_away() -> None:
    """The one 503 that is promised."""
    assert Excuses([POSTGRES_AWAY], []).allows(a_visit("a", 503, due_at=105))


def test_a_cached_link_is_not_excused() -> None:
    """A link that was redirected before the outage is in Redis, and has to be answered."""
    excuses = Excuses([POSTGRES_AWAY], [a_visit("a", due_at=90)])
    assert not excuses.allows(a_visit("b", 503, due_at=105))


def test_what_redis_has_lost_is_not_cached() -> None:
    """After a flush it takes a redirect until a link counts as cached again."""
    flush = an_outage("redis", Action.FLUSH, 94, 94)
    before, after = a_visit("a", due_at=90), a_visit("b", due_at=98)
    late = a_visit("c", 503, due_at=105)
    assert Excuses([flush, POSTGRES_AWAY], [before]).allows(late)
    assert not Excuses([flush, POSTGRES_AWAY], [before, after]).allows(late)


def test_nothing_is_excused_while_postgres_is_there() -> None:
    """Without an outage of PostgreSQL every 503 is a failure."""
    excuses = Excuses([POSTGRES_AWAY, an_outage("redis", Action.KILL, 150, 151)], [])
    assert not excuses.allows(a_visit("a", 503, due_at=150))


@pytest.mark.parametrize("status", [0, 404, 500, 502])
def test_only_a_503_can_be_excused(status: int) -> None:
    """A dropped connection or another status was never announced."""
    assert not Excuses([POSTGRES_AWAY], []).allows(a_visit("a", status, due_at=105))
