"""Convert Ctrl+C and SIGTERM to the exception Interrupted in the main thread. A second signal ends the process at once.

`interruptible` installs the handlers, `signals_deferred` protects blocks that must not be interrupted. Used by `cli`
and `s3_executor`.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pregen.errors import Interrupted

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _SignalDeferral:
    """A context manager for the main thread. A signal inside the block raises Interrupted at the end of the block."""

    def __init__(self) -> None:
        self._active = False
        self._signal: int | None = None

    def __enter__(self) -> None:
        self._active = True

    def __exit__(self, failed: object, *_: object) -> None:
        self._active = False
        number, self._signal = self._signal, None
        if (
            number is not None and failed is None
        ):  # otherwise the exception of the block ends the run, and says more
            raise Interrupted(number)

    def defer(self, number: int) -> bool:
        """Store the signal if a block is active. Returns whether it was stored."""
        if self._active:
            self._signal = number
        return self._active


signals_deferred = _SignalDeferral()


@contextmanager
def interruptible() -> Iterator[None]:
    """In the block the first SIGINT or SIGTERM raises Interrupted, and the second ends the process."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for stop_signal in _SIGNALS:
            signal.signal(stop_signal, signal.SIG_DFL)
        if not signals_deferred.defer(number):
            raise Interrupted(number)

    previous = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
