"""A time limit for decoding in this process. For worker processes that a pool replaces, never for a server process.

A thread can't be stopped inside a decoder; the kernel can kill a process.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kill_process_after(seconds: float) -> Iterator[None]:
    """Kill this process if the block takes longer. Only one such block at a time, in any thread.

    Uses the kernel's default action for SIGALRM, which also works inside a decoder that never returns to Python.
    """
    if signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # Python allows this in the main thread only
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
