"""Repairs of images that a crash or an outage left unfinished, from their rows alone.

Each function is bounded, safe to repeat and may run in several processes at once. `images.sweeper` calls them.
"""

from uuid import UUID

from django.conf import settings
from django.db.models import F, Q

from images import celery_queue
from images.clock import ago
from images.models import Image, RemovedImage
from images.processing import transitions
from images.processing.announce import announce_deletions, announce_ids
from images.processing.enqueue import enqueue
from images.processing.transitions import Deletion

_BATCH_SIZE = 1000
_MESSAGE_IMAGES = 100
# A change younger than this is left to the process that made it.
_UNANNOUNCED_SECONDS = 5
_EMPTY_QUEUE_SECONDS = 5
# 30 s × 2⁵ is past ten minutes, the longest wait.
_LONGEST_WAIT_TRIES = 5
_LONGEST_WAIT_SECONDS = 600


def end_expired_claims() -> int:
    """Return images whose lease has ended to the queue, each alone, or fail them after their last attempt."""
    given_up, waiting = transitions.expire(_BATCH_SIZE)
    enqueue(waiting, one_task_each=True)
    announce_ids([*given_up, *waiting])
    return len(given_up) + len(waiting)


def requeue_pending() -> int:
    """Queue pending images again whose message was lost. The wait before it doubles each time."""
    due = Q(queued_at__isnull=True)
    # Half a lease (30 s): the images of a crashed worker that it had not claimed are queued before those it had.
    first_wait = settings.LEASE_SECONDS / 2
    for tries in range(_LONGEST_WAIT_TRIES + 1):
        wait = min(first_wait * 2**tries, _LONGEST_WAIT_SECONDS)
        same_tries = Q(queue_tries=tries) if tries < _LONGEST_WAIT_TRIES else Q(queue_tries__gte=tries)
        due |= same_tries & Q(queued_at__lt=ago(wait))
    if celery_queue.is_empty():
        due |= Q(queue_tries=0) & Q(queued_at__lt=ago(_EMPTY_QUEUE_SECONDS))
    waiting = transitions.take_due(due, _BATCH_SIZE)
    ids = [id_ for id_, _ in waiting]
    # An image that was tried before may have crashed its worker: it is queued alone.
    fresh = [id_ for id_, attempts in waiting if not attempts]
    tried = [id_ for id_, attempts in waiting if attempts]
    if enqueue(fresh, one_task_each=False):
        enqueue(tried, one_task_each=True)
    else:
        transitions.mark_not_queued(tried)
    return len(ids)


def republish_unannounced() -> int:
    """Publish changes and deletions that could not be published, or whose publishing process crashed."""
    unannounced: list[UUID] = list(
        Image.objects.filter(version__gt=F("announced_version"), changed_at__lt=ago(_UNANNOUNCED_SECONDS))
        .order_by("changed_at")
        .values_list("id", flat=True)[:_BATCH_SIZE]
    )
    for start in range(0, len(unannounced), _MESSAGE_IMAGES):
        announce_ids(unannounced[start : start + _MESSAGE_IMAGES])
    notes = RemovedImage.objects.filter(announced=False, removed_at__lt=ago(_UNANNOUNCED_SECONDS))[
        :_BATCH_SIZE
    ]
    deletions = [Deletion.of(one) for one in notes]
    announce_deletions(deletions)
    return len(unannounced) + len(deletions)
