"""Queue pending images. The rows of images that could not be queued are marked, so that the sweeper queues them."""

from collections.abc import Sequence
from uuid import UUID

from images import celery_queue
from images.processing import transitions


def enqueue(ids: Sequence[UUID], *, one_task_each: bool) -> bool:
    """Queue these pending images. Returns False if some could not be queued. The sweeper then queues the rest.

    Raises DatabaseError if the rows could not be marked. The images stay accepted, and the sweeper queues them later.
    Do not call this on an event loop: while Redis is frozen it blocks for half a second.
    """
    unsent = celery_queue.publish(ids, one_task_each=one_task_each)
    if unsent:
        transitions.mark_not_queued(unsent)
    return not unsent
