"""The Celery tasks: images to process, thumbnails to make, the nightly repair.

A task carries ids and may come twice; the work is in `processing`, `thumbnails` and `reconcile`.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from celery import Task, shared_task
from django.conf import settings

from images import queue
from images.processing.worker_loop import process
from images.reconcile.reconciliation import reconcile_nightly
from images.request_ids import fit_request_id, on_behalf_of
from images.thumbnails.generate_chunk import generate_each
from imaging.time_limit import kill_process_after

AnyTask = Task[Any, Any]


@shared_task(name=queue.PROCESS_IMAGE, bind=True)
def process_image(task: AnyTask, image_id: str) -> None:
    """Process one image."""
    with on_behalf_of(_request_id(task)):
        process([UUID(image_id)], guard=dies_when_too_slow)


@shared_task(name=queue.PROCESS_CHUNK, bind=True)
def process_chunk(task: AnyTask, image_ids: Sequence[str]) -> None:
    """Process images one after the other, their results flushed together."""
    with on_behalf_of(_request_id(task)):
        process([UUID(image_id) for image_id in image_ids], guard=dies_when_too_slow)


@shared_task(name=queue.MAKE_THUMBNAILS, bind=True)
def make_thumbnails(task: AnyTask, image_ids: Sequence[str]) -> None:
    """Make what thumbnails these images lack, one image after the other."""
    with on_behalf_of(_request_id(task)):
        generate_each([UUID(image_id) for image_id in image_ids], guard=dies_when_too_slow)


# Acknowledged first: one that takes longer than the visibility time-out, an hour, would be delivered once more.
@shared_task(name=queue.RECONCILE, acks_late=False)
def reconcile() -> None:
    """Repair what differs between storage and rows."""
    reconcile_nightly()


def _request_id(task: AnyTask) -> str | None:
    """Of the request that queued it; what the sweeper queues again has none."""
    return fit_request_id((task.request.headers or {}).get(queue.REQUEST_ID_HEADER))


def dies_when_too_slow() -> AbstractContextManager[None]:
    """Around one image. The pool replaces the process that dies, the lease brings the images back."""
    return kill_process_after(settings.RENDER_SECONDS)
