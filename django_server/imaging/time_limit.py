"""A bound on how long this process may decode, for processes that a pool replaces. Used by workers, never by a server.

A thread can't be stopped inside a decoder; the kernel can stop a process there.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kill_process_after(seconds: float) -> Iterator[None]:
    """Ends this process when the block takes longer. One such block at a time, in whatever thread.

    The signal's default action is the kernel's: it strikes inside a decoder that never returns to Python too.
    """
    if signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # Python lets the main thread alone do this
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
