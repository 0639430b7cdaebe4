"""A time limit for decoding. At the limit the process is killed, because a thread can't be stopped inside a decoder.

Use this only in worker processes, which are replaced when they die, and never in a server process.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kill_process_after(seconds: float) -> Iterator[None]:
    """Kill this process if the block takes longer. Only one thread may be inside such a block at a time.

    Uses the kernel's default action for SIGALRM, which ends the process even if a decoder never returns to Python.
    """
    if signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # Python allows this in the main thread only
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
