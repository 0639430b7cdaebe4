"""Render slots: limit the number of concurrent decodes in all web processes of this host.

A slot is a lock on a file that all processes of the host use. The kernel releases the lock when the process dies.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from images.error_codes import ApiError
from images.observability.timings import record_stage

_POLL_SECONDS = 0.05
# Limits how many threads of this process poll the lock files. Further threads block here and use no CPU.
_pollers = threading.BoundedSemaphore(settings.RENDER_SLOTS)


@contextmanager
def render_slot(wait_seconds: float) -> Iterator[None]:
    """Hold a render slot during the block. Raises ApiError `overloaded` if no slot is free within `wait_seconds`."""
    started = time.monotonic()
    if not _pollers.acquire(timeout=wait_seconds):
        raise ApiError("overloaded")
    try:
        descriptor = _lock_free_slot(started + wait_seconds)
        record_stage("slot", time.monotonic() - started)
        try:
            yield
        finally:
            os.close(descriptor)
    finally:
        _pollers.release()


def _lock_free_slot(deadline: float) -> int:
    """Lock the file of the first free slot. Returns the open descriptor; closing it releases the slot."""
    settings.LOCKS_ROOT.mkdir(parents=True, exist_ok=True)
    while True:
        for number in range(settings.RENDER_SLOTS):
            descriptor = os.open(settings.LOCKS_ROOT / f"render-{number}", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
            else:
                return descriptor
        if time.monotonic() >= deadline:
            raise ApiError("overloaded")
        time.sleep(_POLL_SECONDS)
