"""The Celery tasks: process images, generate missing thumbnails, reconcile every night.

A task message has only ids, and it may be delivered twice. The packages `processing`, `thumbnails` and `reconcile` do
the work.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from celery import Task, shared_task
from django.conf import settings

from images import celery_queue
from images.processing.worker_loop import process
from images.reconcile.compare import reconcile_nightly
from images.request_context import fit_request_id, on_behalf_of
from images.thumbnails.generate_chunk import generate_each
from imaging.time_limit import kill_process_after

AnyTask = Task[Any, Any]


@shared_task(name=celery_queue.PROCESS_IMAGE, bind=True)
def process_image(task: AnyTask, image_id: str) -> None:
    """Process one image."""
    with on_behalf_of(_request_id(task)):
        process([UUID(image_id)], time_limit=render_time_limit)


@shared_task(name=celery_queue.PROCESS_CHUNK, bind=True)
def process_chunk(task: AnyTask, image_ids: Sequence[str]) -> None:
    """Process images one by one. Several outcomes are written to the database at once."""
    with on_behalf_of(_request_id(task)):
        process([UUID(image_id) for image_id in image_ids], time_limit=render_time_limit)


@shared_task(name=celery_queue.MAKE_THUMBNAILS, bind=True)
def make_thumbnails(task: AnyTask, image_ids: Sequence[str]) -> None:
    """Generate the missing thumbnails of these images, one by one."""
    with on_behalf_of(_request_id(task)):
        generate_each([UUID(image_id) for image_id in image_ids], time_limit=render_time_limit)


# The message is acknowledged before the task runs. Otherwise, after one hour (the visibility timeout) the message of a
# task that is still running would be delivered again.
@shared_task(name=celery_queue.RECONCILE, acks_late=False)
def reconcile() -> None:
    """Repair differences between storage and database."""
    reconcile_nightly()


def _request_id(task: AnyTask) -> str | None:
    """The id of the request that queued the task; None if the sweeper did."""
    return fit_request_id((task.request.headers or {}).get(celery_queue.REQUEST_ID_HEADER))


def render_time_limit() -> AbstractContextManager[None]:
    """A context manager that limits the time of one render: after `RENDER_SECONDS` it kills this pool process.

    Celery's pool then starts a new process. The sweeper queues the images of the killed process after their lease has
    expired.
    """
    return kill_process_after(settings.RENDER_SECONDS)
