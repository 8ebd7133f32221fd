"""Drawn requests: what the description says of every answer is true."""

from pathlib import Path

from tests.fuzz.running import fuzz

EXAMPLES = 2
"""Random ones of each operation; `make fuzz` has more."""


def test_every_answer_is_described(tmp_path: Path) -> None:
    """No request makes an error of the server, nor an answer of a status or shape not said."""
    report = tmp_path / "report.txt"
    with report.open("w") as out:
        status = fuzz(tmp_path, examples=EXAMPLES, seed=None, out=out)
    assert status == 0, report.read_text()
