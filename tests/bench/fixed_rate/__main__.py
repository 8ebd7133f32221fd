"""The generator's process: `python -m tests.bench.fixed_rate PLAN`, until its end or SIGTERM."""

import gc
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from tests.bench.fixed_rate.plan import Plan
from tests.bench.fixed_rate.records import RecordWriter
from tests.bench.fixed_rate.sender import Sender

NICENESS = -10


def main(plan_file: str) -> None:
    """Carry the plan out and write what came of it."""
    plan = msgspec.json.decode(Path(plan_file).read_bytes(), type=Plan)
    # Visitors are elsewhere in life: what keeps them from sending is no property of the server.
    with suppress(PermissionError):
        os.nice(NICENESS)
    targets, order = plan.read_requests()
    with RecordWriter(plan.records_file) as records:
        sender = Sender(plan, targets, order, records)
        signal.signal(signal.SIGTERM, lambda *_: sender.stop())
        # Nothing here refers to itself, and a collection over a million targets is a late request.
        gc.disable()
        outcome = sender.run()
    plan.outcome_file.write_bytes(msgspec.json.encode(outcome))


if __name__ == "__main__":
    main(sys.argv[1])
