"""Ctrl+C and SIGTERM as one exception in the main thread. The second Ctrl+C ends at once. Used by `cli`."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pregen.errors import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible() -> Iterator[None]:
    """In the block, SIGINT and SIGTERM raise Interrupted, once; after that they end the process."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        raise Interrupted(number)

    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
