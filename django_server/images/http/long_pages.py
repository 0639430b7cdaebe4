"""Who waits for whom among requests that each keep the interpreter busy."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from images.http.pagination import PAGE

# Past it a page is made beside the others: what holds them up may be the database, which serves many at once.
_PATIENCE_SECONDS = 1.0
_turn = threading.Lock()


@contextmanager
def long_page_slot(page: int) -> Iterator[None]:
    """A page of so many images. Long ones are made one after the other in each process, short ones at once.

    Eight pages of 1,000 together end no sooner than in a row, and whoever asks for anything else meanwhile
    would share the interpreter with eight instead of one.
    """
    if page <= PAGE:
        yield
        return
    mine = _turn.acquire(timeout=_PATIENCE_SECONDS)
    try:
        yield
    finally:
        if mine:
            _turn.release()
