"""Repair images that a crash or an outage left unfinished. Reads the database rows only.

Each function handles a limited number of images per call, is safe to repeat, and may run in several processes at once.
`images.sweeper` calls these functions.
"""

from uuid import UUID

from django.conf import settings
from django.db.models import F, Q

from images import celery_queue
from images.clock import ago
from images.models import Image, RemovedImage
from images.processing import transitions
from images.processing.enqueue_or_mark import enqueue_or_mark_unqueued
from images.processing.publish import publish_current_state, publish_deletions
from images.processing.transitions import Deletion

# Number of images that one call handles.
_LIMIT = 1000
# Number of images in one published message.
_MESSAGE_IMAGES = 100
# A change is normally published within this time by the process that made it. If it is still unpublished after that,
# the sweeper publishes it.
_UNPUBLISHED_SECONDS = 5
# If the queue is empty, and an image that was queued more than this many seconds ago is still pending, its message was
# lost.
_EMPTY_QUEUE_SECONDS = 5
# The wait before an image is queued again starts at half a lease (30 s by default). It doubles with each try, up to
# `_LONGEST_WAIT_TRIES` times, and never exceeds `_LONGEST_WAIT_SECONDS`.
_LONGEST_WAIT_TRIES = 5
_LONGEST_WAIT_SECONDS = 600


def end_expired_claims() -> int:
    """Queue images whose lease has expired, each in a task of its own. After the last attempt, set them to `error`."""
    failed_ids, pending_ids = transitions.expire(_LIMIT)
    enqueue_or_mark_unqueued(pending_ids, one_task_each=True)
    publish_current_state([*failed_ids, *pending_ids])
    return len(failed_ids) + len(pending_ids)


def requeue_pending() -> int:
    """Queue the pending images whose queue message was probably lost: they have been queued for too long.

    The allowed time doubles with each try.
    """
    is_due = Q(queued_at__isnull=True)
    # Half a lease is shorter than a lease. So after a worker crash, the images that the worker had not claimed are
    # queued again first. The claimed images wait until their lease expires: one of them may have caused the crash.
    first_wait = settings.LEASE_SECONDS / 2
    for tries in range(_LONGEST_WAIT_TRIES + 1):
        wait = min(first_wait * 2**tries, _LONGEST_WAIT_SECONDS)
        same_tries = Q(queue_tries=tries) if tries < _LONGEST_WAIT_TRIES else Q(queue_tries__gte=tries)
        is_due |= same_tries & Q(queued_at__lt=ago(wait))
    if celery_queue.is_empty():
        is_due |= Q(queue_tries=0) & Q(queued_at__lt=ago(_EMPTY_QUEUE_SECONDS))
    taken = transitions.take_due(is_due, _LIMIT)
    never_attempted = [id_ for id_, attempts in taken if not attempts]
    # An image that was attempted before may have crashed its worker, so it gets a task of its own.
    attempted = [id_ for id_, attempts in taken if attempts]
    if enqueue_or_mark_unqueued(never_attempted, one_task_each=False):
        enqueue_or_mark_unqueued(attempted, one_task_each=True)
    else:
        transitions.mark_not_queued(attempted)
    return len(taken)


def republish_unannounced() -> int:
    """Publish changes and deletions whose publishing failed, or whose process crashed before it published them."""
    unpublished: list[UUID] = list(
        Image.objects.filter(version__gt=F("announced_version"), changed_at__lt=ago(_UNPUBLISHED_SECONDS))
        .order_by("changed_at")
        .values_list("id", flat=True)[:_LIMIT]
    )
    for start in range(0, len(unpublished), _MESSAGE_IMAGES):
        publish_current_state(unpublished[start : start + _MESSAGE_IMAGES])
    removed_rows = RemovedImage.objects.filter(announced=False, removed_at__lt=ago(_UNPUBLISHED_SECONDS))
    deletions = [Deletion.of(removed) for removed in removed_rows[:_LIMIT]]
    publish_deletions(deletions)
    return len(unpublished) + len(deletions)
