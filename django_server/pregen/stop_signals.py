"""Ctrl+C and SIGTERM as one exception in the main thread. The second Ctrl+C ends at once.

`cli` makes a run interruptible; `undisturbed` is for what may not be left half done. Used by `cli` and `remote`.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pregen.errors import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _SignalDeferral:
    """A block of the main thread whose end Interrupted waits for."""

    def __init__(self) -> None:
        self._on = False
        self._came: int | None = None

    def __enter__(self) -> None:
        self._on = True

    def __exit__(self, failed: object, *_: object) -> None:
        self._on = False
        number, self._came = self._came, None
        if number is not None and failed is None:  # a failure says more, and ends the run as well
            raise Interrupted(number)

    def keeps(self, number: int) -> bool:
        """Whether the signal is kept for the end of the block."""
        if self._on:
            self._came = number
        return self._on


signals_deferred = _SignalDeferral()


@contextmanager
def interruptible() -> Iterator[None]:
    """In the block, SIGINT and SIGTERM raise Interrupted, once; after that they end the process."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        if not signals_deferred.keeps(number):
            raise Interrupted(number)

    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
