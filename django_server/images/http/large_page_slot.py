"""A slot for long pages of a list. Building them keeps the interpreter busy, so they are built one after the other."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from images.http.pagination import PAGE

# After this wait, a page is built without the slot. The page in the slot may be waiting for the database, which can
# serve several pages at a time.
_LONGEST_WAIT_SECONDS = 1.0
_slot = threading.Lock()


@contextmanager
def long_page_slot(page: int) -> Iterator[None]:
    """Hold the slot of this process while a page of more than PAGE images is built. A shorter page needs no slot.

    Eight pages of 1,000 images take as long concurrently as one after the other. But other requests would then share
    the interpreter with eight busy threads instead of one.
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
