"""The garbage collector, for processes that build much at their start and little that stays."""

import gc

YOUNG_OBJECTS = 50_000
"""What an answer of thousands of rows is made of: looking through it again and again while it is
being made takes a sixth of its time. Python's own figure is 700."""


def keep_for_good() -> None:
    """Leave all that is alive now out of every collection to come.

    Called when a service is ready: its modules, statements and routes are some 100,000 objects
    that live until the end. Looking through them takes 50 ms or more, and nobody is answered then.
    """
    gc.collect()
    gc.freeze()


def expect_large_answers() -> None:
    """Look for garbage once in `YOUNG_OBJECTS`; what is in circles waits for it, a few MB."""
    gc.set_threshold(YOUNG_OBJECTS)
