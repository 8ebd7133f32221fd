"""The verdict: what visitors were answered, compared as sets with what is stored."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from tests.support.visit import Visit

REDIRECTED = 302
NOT_FOUND = 404
EXAMPLES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the database has after the drain."""

    request_ids: Sequence[str]
    """One for each row of clicks."""
    hourly: int
    total: int
    rollup_differences: int
    """Groups of clicks whose count in a rollup is not the number of their rows."""
    ledger: int
    dead_lettered: int
    ledger_holes: int
    missing_links: int = 0
    """Links that the API had confirmed and that do not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Figures of a run, and what is wrong with them; nothing is wrong when it `passed`."""

    visits: int
    redirects: int
    not_found: int
    rows: int
    missing: int
    """Answered clicks without a row, those that were shed included."""
    shed: int
    lost: int
    """Answered clicks without a row beyond those that were counted as shed."""
    doubled: int
    """Rows that are one more for the same request, or that no visit explains."""
    failed: int
    excused: int
    """503 because the link was not cached and PostgreSQL was away."""
    unanswered: int
    ledger: int
    hourly: int
    total: int
    findings: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """Some of the failed visits."""
    losses: list[str] = field(default_factory=list)
    """Some of the visits whose clicks are lost."""

    @property
    def passed(self) -> bool:
        """Whether every promise was kept."""
        return not self.findings


def judge(
    visits: Sequence[Visit],
    *,
    links: Collection[str],
    stored: Stored,
    shed: int,
    is_excused: Callable[[Visit], bool],
    problems: Sequence[str] = (),
) -> Verdict:
    """Compare; `links` are the codes that exist, every other code has to be not found.

    An unknown code's 404 is a click too. A visit without a whole answer may have a row or not.
    """
    redirects: set[str] = set()
    not_found: set[str] = set()
    others: set[str] = set()
    failures: list[Visit] = []
    excused = unanswered = 0
    for visit in visits:
        expected = REDIRECTED if visit.code in links else NOT_FOUND
        unanswered += visit.status == 0
        if visit.status == expected:
            (redirects if expected == REDIRECTED else not_found).add(visit.request_id)
            continue
        others.add(visit.request_id)
        if is_excused(visit):
            excused += 1
        else:
            failures.append(visit)
    answered = redirects | not_found
    rows = Counter(stored.request_ids)
    without_row = answered - rows.keys()
    missing = len(without_row)
    repeated = len(stored.request_ids) - len(rows)
    unexplained = max(0, len(rows.keys() - answered - others) - unanswered)
    lost, doubled = max(0, missing - shed), repeated + unexplained
    findings = [
        text
        for is_wrong, text in (
            (not redirects, "no visitor was redirected"),
            (lost, f"{lost} clicks are lost"),
            (missing < shed, f"{shed} clicks were counted as shed, but {missing} are missing"),
            (doubled, f"{doubled} clicks are counted twice"),
            (failures, f"{len(failures)} visits failed"),
            (stored.rollup_differences, f"{stored.rollup_differences} rollups differ from rows"),
            (
                {stored.hourly, stored.total, stored.ledger} != {len(stored.request_ids)},
                f"{len(stored.request_ids)} rows, but {stored.hourly} by hour,"
                f" {stored.total} in total and {stored.ledger} in the ledger",
            ),
            (stored.dead_lettered, f"{stored.dead_lettered} clicks are dead letters"),
            (stored.ledger_holes, f"{stored.ledger_holes} sources have holes in the ledger"),
            (stored.missing_links, f"{stored.missing_links} confirmed links do not exist"),
        )
        if is_wrong
    ]
    return Verdict(
        visits=len(visits),
        redirects=len(redirects),
        not_found=len(not_found),
        rows=len(stored.request_ids),
        missing=missing,
        shed=shed,
        lost=lost,
        doubled=doubled,
        failed=len(failures),
        excused=excused,
        unanswered=unanswered,
        ledger=stored.ledger,
        hourly=stored.hourly,
        total=stored.total,
        findings=[*findings, *problems],
        failures=_examples(failures),
        losses=_examples([visit for visit in visits if lost and visit.request_id in without_row]),
    )


def _examples(visits: Sequence[Visit]) -> list[str]:
    """Describe the first, the last and some in between."""
    return [
        f"{visit.due_at:.3f} {visit.request_id} {visit.code} {visit.status} {visit.problem}"
        for visit in visits[:: len(visits) // EXAMPLES + 1]
    ]
