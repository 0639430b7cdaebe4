"""Ctrl+C in a command: a sentence instead of a traceback, and the exit code 130 that shells expect."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

# 128 + SIGINT
INTERRUPTED = 130


@contextmanager
def stoppable(write: Callable[[str], object], sentence: Callable[[], str]) -> Iterator[None]:
    """On KeyboardInterrupt in the block write `sentence()` and exit with 130."""
    try:
        yield
    except KeyboardInterrupt:
        write(sentence())
        raise SystemExit(INTERRUPTED) from None
