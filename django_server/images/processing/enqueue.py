"""Queue pending images, and mark in their rows which of them could not be queued."""

from collections.abc import Sequence
from uuid import UUID

from images import celery_queue
from images.processing import transitions


def enqueue(ids: Sequence[UUID], *, one_task_each: bool) -> bool:
    """Queue these pending images. False when the queue is unavailable; the sweeper then queues the rest.

    Raises DatabaseError when the rows could not be updated; the images stay accepted. Not for an event loop:
    with Redis frozen a publish takes half a second.
    """
    unsent = celery_queue.publish(ids, one_task_each=one_task_each)
    if unsent:
        transitions.mark_not_queued(unsent)
    return not unsent
