"""Repairs what crashes left, from the rows alone. Each step is bounded, safe to repeat, and may run in several places.

Called in a loop by `manage.py sweep`, never as a Celery task: what repairs the queue must not wait in it.
"""

import logging
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db.models import DateTimeField, ExpressionWrapper, F, Q
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from filestore.keys import upload_key
from images import queue
from images.deletion import delete_files
from images.models import Image, RemovedImage, Status
from images.observability.metrics import REPAIRS
from images.processing import transitions
from images.processing.announce import announce_ids, announce_removed
from images.processing.transitions import Removed
from images.storage import storage
from images.uploads.idempotency import forget_answers
from imaging import ImagingError, probe

logger = logging.getLogger(__name__)

_MOST = 1000
_ANNOUNCED_AT_ONCE = 100
# A change that its maker is about to announce is left to its maker.
_UNTOLD_SECONDS = 5
_EMPTY_QUEUE_SECONDS = 5
# 30 s × 2⁵ is past the ten minutes that are the longest wait.
_LONGEST_WAIT_TRIES = 5
_LONGEST_WAIT_SECONDS = 600
# An upload that takes longer than this has been cut off long before.
_SPOOL_SECONDS = 3600
# The accepting request unlinks its own spool files; after a minute it is not going to.
_MARKER_SECONDS = 60
_REMOVED_KEPT = timedelta(days=1)


def sweep() -> None:
    """One round of all repairs."""
    for step in (
        end_expired_claims,
        queue_the_waiting,
        tell_the_untold,
        delete_what_was_removed,
        clear_spool,
        forget_removed,
        forget_answers,
    ):
        _count(step)


def _count(step: Callable[[], int]) -> None:
    repaired = step()
    if repaired:
        REPAIRS.labels(step.__name__).inc(repaired)
        logger.info("%s: %d", step.__name__.replace("_", " "), repaired)


def end_expired_claims() -> int:
    """Images whose worker is gone wait again, each queued alone, or end after their last attempt."""
    given_up, waiting = transitions.expire(_MOST)
    queue.publish(waiting, one_task_each=True)
    announce_ids([*given_up, *waiting])
    return len(given_up) + len(waiting)


def queue_the_waiting() -> int:
    """Pending images whose message was lost are queued again; each time they wait twice as long before."""
    due = Q(queued_at__isnull=True)
    # Half a lease (30 s): a message that died with its worker is back before the images that it had claimed.
    first_wait = settings.LEASE_SECONDS / 2
    for tries in range(_LONGEST_WAIT_TRIES + 1):
        wait = min(first_wait * 2**tries, _LONGEST_WAIT_SECONDS)
        same_tries = Q(queue_tries=tries) if tries < _LONGEST_WAIT_TRIES else Q(queue_tries__gte=tries)
        due |= same_tries & Q(queued_at__lt=_ago(wait))
    if queue.is_empty():
        due |= Q(queue_tries=0) & Q(queued_at__lt=_ago(_EMPTY_QUEUE_SECONDS))
    waiting = list(
        Image.objects.filter(due, status=Status.PENDING)
        .order_by("uploaded_at")
        .values_list("id", "attempts")[:_MOST]
    )
    ids = [id_ for id_, _ in waiting]
    transitions.mark_queued_again(ids)
    # What was tried before may be what killed its worker: it goes alone.
    fresh = [id_ for id_, attempts in waiting if not attempts]
    tried = [id_ for id_, attempts in waiting if attempts]
    if queue.publish(fresh, one_task_each=False):
        queue.publish(tried, one_task_each=True)
    else:
        transitions.mark_not_queued(tried)
    return len(ids)


def tell_the_untold() -> int:
    """Versions and removals nobody could be told of, or whose teller died, are announced."""
    untold: list[UUID] = list(
        Image.objects.filter(version__gt=F("announced_version"), changed_at__lt=_ago(_UNTOLD_SECONDS))
        .order_by("changed_at")
        .values_list("id", flat=True)[:_MOST]
    )
    for start in range(0, len(untold), _ANNOUNCED_AT_ONCE):
        announce_ids(untold[start : start + _ANNOUNCED_AT_ONCE])
    removed = RemovedImage.objects.filter(announced=False, removed_at__lt=_ago(_UNTOLD_SECONDS))[:_MOST]
    gone = [_removed(one) for one in removed]
    announce_removed(gone)
    return len(untold) + len(gone)


def delete_what_was_removed() -> int:
    """The files of removed images whose remover died, or found the storage away."""
    left = RemovedImage.objects.filter(files_deleted=False, removed_at__lt=_ago(_MARKER_SECONDS))[:_MOST]
    gone = [_removed(one) for one in left]
    delete_files(gone)
    return len(gone)


def clear_spool() -> int:
    """Spool files that no request will come back to; with their key, where no row was committed."""
    cleared = 0
    for path in settings.INCOMING_ROOT.iterdir() if settings.INCOMING_ROOT.is_dir() else ():
        age_seconds = _age_seconds(path)
        if age_seconds is None or age_seconds < _MARKER_SECONDS:
            continue
        image_id = _image_id(path)
        has_row = image_id is not None and Image.objects.filter(id=image_id).exists()
        if has_row or age_seconds > _SPOOL_SECONDS:
            if image_id is not None and not has_row:
                _delete_original(image_id, path)
            path.unlink(missing_ok=True)
            cleared += 1
    return cleared


def forget_removed() -> int:
    """Notes of removals that everybody had a day to hear of."""
    done = RemovedImage.objects.filter(announced=True, files_deleted=True)
    forgotten, _ = done.filter(removed_at__lt=_ago_of(_REMOVED_KEPT)).delete()
    return forgotten


def _removed(one: RemovedImage) -> Removed:
    return Removed(one.image_id, one.batch_id, one.version, one.keys)


def _delete_original(image_id: UUID, spooled: Path) -> None:
    # A file that can't be probed was never linked: its request died while its bytes came in.
    try:
        with spooled.open("rb") as source:
            extension = probe(source).extension
    except (ImagingError, FileNotFoundError):
        return
    storage().delete(
        str(upload_key(settings.KEY_PREFIX, settings.UPLOADS_COLLECTION, str(image_id), extension))
    )


def _image_id(path: Path) -> UUID | None:
    try:
        return uuid.UUID(path.name)
    except ValueError:
        return None


def _age_seconds(path: Path) -> float | None:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return None


def _ago(seconds: float) -> Combinable:
    return _ago_of(timedelta(seconds=seconds))


def _ago_of(span: timedelta) -> Combinable:
    return ExpressionWrapper(Now() - span, output_field=DateTimeField())
