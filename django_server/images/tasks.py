"""The Celery tasks: images to process, thumbnails to make, the nightly repair.

A task carries ids and may come twice; the work is in `processing`, `thumbnails` and `reconcile`.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from uuid import UUID

from celery import shared_task
from django.conf import settings

from images import queue
from images.processing.chunk import process
from images.reconcile.run import reconcile_nightly
from images.thumbnails.bulk import make_thumbnails_of
from imaging.time_limit import dies_after


@shared_task(name=queue.PROCESS_IMAGE)
def process_image(image_id: str) -> None:
    """Process one image."""
    process([UUID(image_id)], guard=dies_when_too_slow)


@shared_task(name=queue.PROCESS_CHUNK)
def process_chunk(image_ids: Sequence[str]) -> None:
    """Process images one after the other, their results flushed together."""
    process([UUID(image_id) for image_id in image_ids], guard=dies_when_too_slow)


@shared_task(name=queue.MAKE_THUMBNAILS)
def make_thumbnails(image_ids: Sequence[str]) -> None:
    """Make what thumbnails these images lack, one image after the other."""
    make_thumbnails_of([UUID(image_id) for image_id in image_ids], guard=dies_when_too_slow)


# Acknowledged first: one that takes longer than the visibility time-out, an hour, would be delivered once more.
@shared_task(name=queue.RECONCILE, acks_late=False)
def reconcile() -> None:
    """Repair what differs between storage and rows."""
    reconcile_nightly()


def dies_when_too_slow() -> AbstractContextManager[None]:
    """Around one image. The pool replaces the process that dies, the lease brings the images back."""
    return dies_after(settings.RENDER_SECONDS)
