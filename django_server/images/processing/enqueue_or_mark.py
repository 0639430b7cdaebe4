"""Queue pending images, and mark the rows of those that could not be queued, so that the sweeper queues them later."""

from collections.abc import Sequence
from uuid import UUID

from images import celery_queue
from images.processing import transitions


def enqueue_or_mark_unqueued(ids: Sequence[UUID], *, one_task_each: bool) -> bool:
    """Queue these pending images. Returns False if some could not be queued; their rows are then marked.

    Raises DatabaseError if the rows could not be marked. In both cases the images stay accepted, and the sweeper queues
    them later. Do not call this on an event loop: while Redis is frozen, it blocks for half a second.
    """
    not_queued = celery_queue.enqueue(ids, one_task_each=one_task_each)
    if not_queued:
        transitions.mark_not_queued(not_queued)
    return not not_queued
