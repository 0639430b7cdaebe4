"""A slot for long pages of a list: each keeps the interpreter busy, so they are built one after the other."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from images.http.pagination import PAGE

# After this wait a page is built beside the others: they may be waiting for the database, which serves many at a time.
_LONGEST_WAIT_SECONDS = 1.0
_slot = threading.Lock()


@contextmanager
def long_page_slot(page: int) -> Iterator[None]:
    """Hold the process's one slot for a page of more than PAGE images. A shorter page needs none.

    Eight concurrent pages of 1,000 end no sooner than eight in a row, and every other request would meanwhile share
    the interpreter with eight threads instead of one.
    """
    if page <= PAGE:
        yield
        return
    acquired = _slot.acquire(timeout=_LONGEST_WAIT_SECONDS)
    try:
        yield
    finally:
        if acquired:
            _slot.release()
