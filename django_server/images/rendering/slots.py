"""Slots that bound how many images this host's web processes decode at once.

A slot is a locked file: the kernel frees it when its holder dies, and all processes of the host share it.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from images.errors import Refusal
from images.observability.timings import note_stage

_LOOK_EVERY_SECONDS = 0.05
# Of one process only so many threads look at the files: the other thousand wait here, at no cost.
_turnstile = threading.BoundedSemaphore(settings.RENDER_SLOTS)


@contextmanager
def render_slot(wait_seconds: float) -> Iterator[None]:
    """Hold one of RENDER_SLOTS. Raises Refusal `overloaded` when none is free within `wait_seconds`."""
    started = time.monotonic()
    if not _turnstile.acquire(timeout=wait_seconds):
        raise Refusal("overloaded")
    try:
        descriptor = _lock_one(started + wait_seconds)
        note_stage("slot", time.monotonic() - started)
        try:
            yield
        finally:
            os.close(descriptor)
    finally:
        _turnstile.release()


def _lock_one(deadline: float) -> int:
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
            raise Refusal("overloaded")
        time.sleep(_LOOK_EVERY_SECONDS)
