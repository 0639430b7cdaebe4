"""The Celery tasks: one image, or a chunk. A task carries ids and may come twice; all the work is in `processing`."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from celery import shared_task
from django.conf import settings

from images import queue
from images.processing.chunk import process


@shared_task(name=queue.PROCESS_IMAGE)
def process_image(image_id: str) -> None:
    """Process one image."""
    process([UUID(image_id)], guard=dies_when_too_slow)


@shared_task(name=queue.PROCESS_CHUNK)
def process_chunk(image_ids: Sequence[str]) -> None:
    """Process images one after the other, their results flushed together."""
    process([UUID(image_id) for image_id in image_ids], guard=dies_when_too_slow)


@contextmanager
def dies_when_too_slow() -> Iterator[None]:
    """Ends this process when the block takes longer than RENDER_SECONDS.

    The signal's default action is the kernel's: it strikes inside a decoder that never returns to Python too. The
    pool replaces the process, the lease brings the images back.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, settings.RENDER_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
