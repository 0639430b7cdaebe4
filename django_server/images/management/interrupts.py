"""Ctrl+C in a command: a sentence instead of a traceback, and the exit code that shells know it by."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

# 128 + SIGINT
INTERRUPTED = 130


@contextmanager
def stoppable(say: Callable[[str], object], sentence: Callable[[], str]) -> Iterator[None]:
    """Says the sentence, as it is then, when the block is interrupted, and ends the program with 130."""
    try:
        yield
    except KeyboardInterrupt:
        say(sentence())
        raise SystemExit(INTERRUPTED) from None
