"""What an import shows of itself."""

import io

from shortener.import_progress import ImportProgress
from shortener.link_import.importer import ImportCounts
from tests.support.clock import FakeClock


class Terminal(io.StringIO):
    """Says that somebody looks."""

    def isatty(self) -> bool:
        """Whether this is a terminal."""
        return True


def test_a_bar_on_a_terminal() -> None:
    """The line is drawn anew at each step, and ended at last."""
    out, clock = Terminal(), FakeClock()
    with ImportProgress(out, clock) as progress:
        progress.total_bytes, progress.read_bytes = 1000, 500
        clock.advance(2)
        progress.show(ImportCounts(rows=3000, created=2999, skipped=1))
    assert out.getvalue() == (
        f"\r\x1b[2K[{'#' * 15}{'.' * 15}]  50%  3,000 links, 1 skipped, 1,500 a second\n"
    )


def test_lines_elsewhere() -> None:
    """In a log there is a line each five seconds, without any control characters."""
    out, clock = io.StringIO(), FakeClock()
    with ImportProgress(out, clock) as progress:
        for _ in range(11):
            clock.advance(1)
            progress.show(ImportCounts(rows=500))
    assert (
        out.getvalue() == "500 links, 0 skipped, 100 a second\n500 links, 0 skipped, 50 a second\n"
    )
