"""What the commands of the local stack print."""

import subprocess
import sys

_TALKATIVE = """
from local_stack.terminal import Terminal
terminal = Terminal()
while True:
    terminal.say("still here")
"""


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    """As with `make logs | head`, the command ends quietly with the pipe."""
    command = [sys.executable, "-c", _TALKATIVE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as talking:
        assert talking.stdout is not None
        assert talking.stdout.readline() == b"still here\n"
        talking.stdout.close()
        assert talking.wait(30) == 0
        assert talking.stderr is not None
        assert talking.stderr.read() == b""
