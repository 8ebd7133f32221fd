"""How long a process may hold a processor before the kernel looks who else wants it.

On a machine that is nearly full, what visitors wait for is mostly not work but turns: a batch of
clicks holds a processor while a dozen redirects stand behind it. From 6.12 on, Linux lets a
process ask for shorter or longer turns than its usual few milliseconds; who asks for short ones is
served sooner, and gets no more time in all. It needs no right. Older kernels ignore it.
"""

import ctypes
import os
import platform

SHORT_S = 0.000_1
"""For what a visitor waits for: the shortest that there is."""

LONG_S = 0.01
"""For what works in bulk and can wait."""

_OTHER = 0  # SCHED_OTHER, the policy of ordinary processes
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}


class _Attributes(ctypes.Structure):
    """`struct sched_attr` of sched_setattr(2), in its first and smallest version."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime_ns", ctypes.c_uint64),
        ("deadline_ns", ctypes.c_uint64),
        ("period_ns", ctypes.c_uint64),
    )


def ask_for_turns(turn_s: float) -> bool:
    """Ask for turns of that length, for this thread and all that it starts from now on.

    Returns whether the kernel took it; nothing depends on it but how long visitors wait when the
    machine is full.
    """
    number = _SCHED_SETATTR.get(platform.machine())
    if number is None or os.sched_getscheduler(0) != _OTHER:
        return False
    attributes = _Attributes(
        size=ctypes.sizeof(_Attributes),
        policy=_OTHER,
        nice=os.getpriority(os.PRIO_PROCESS, 0),
        runtime_ns=round(turn_s * 1e9),
    )
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.syscall(number, 0, ctypes.byref(attributes), 0) == 0)
