"""Raise Ctrl+C and SIGTERM as one exception in the main thread. A second Ctrl+C ends the process at once.

`cli` makes a run interruptible; `signals_deferred` protects blocks that must not end half done. Used by `cli` and
`s3_executor`.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pregen.errors import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _SignalDeferral:
    """A context of the main thread: a signal inside it raises Interrupted at its end."""

    def __init__(self) -> None:
        self._on = False
        self._signal: int | None = None

    def __enter__(self) -> None:
        self._on = True

    def __exit__(self, failed: object, *_: object) -> None:
        self._on = False
        number, self._signal = self._signal, None
        if number is not None and failed is None:  # an exception of the block ends the run too, and says more
            raise Interrupted(number)

    def defer(self, number: int) -> bool:
        """Whether the signal was stored for the end of the block."""
        if self._on:
            self._signal = number
        return self._on


signals_deferred = _SignalDeferral()


@contextmanager
def interruptible() -> Iterator[None]:
    """Inside the block the first SIGINT or SIGTERM raises Interrupted; a second one ends the process."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for each in _SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        if not signals_deferred.defer(number):
            raise Interrupted(number)

    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
