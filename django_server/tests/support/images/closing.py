"""The last phase of the tests with faults: sweep and process until every image is final, then check the invariants.

Waits are ended by changing the times in the rows and of the spool files, not by waiting.
"""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now
from redis import Redis

from filestore.local import LocalStore
from images.models import FINAL_STATUSES, Image, RemovedImage, Status, Thumbnail
from images.processing.worker_loop import process
from images.sweeper import sweep
from tests.support.images.queue_messages import arguments_of

# Three attempts, each ended by its lease, and a round to publish the last event make four. Twice that.
_MAX_ROUNDS = 8
_LONG_AGO = timedelta(hours=2)


def end_all_waits() -> None:
    """Expire every lease, end every pause before a retry, and make every spool file old."""
    Image.objects.filter(status=Status.PROCESSING).update(lease_until=Now() - _LONG_AGO)
    Image.objects.filter(queued_at__isnull=False).update(queued_at=Now() - _LONG_AGO)
    Image.objects.update(changed_at=Now() - _LONG_AGO)
    RemovedImage.objects.update(removed_at=Now() - _LONG_AGO)
    then = time.time() - _LONG_AGO.total_seconds()
    for path in Path(settings.INCOMING_ROOT).iterdir():
        os.utime(path, (then, then))


def take_messages() -> list[list[UUID]]:
    """The ids in each message of the queue, oldest first. The queue is empty afterwards."""
    with Redis.from_url(settings.REDIS_URL) as redis:
        raw = redis.lrange(settings.CELERY_TASK_DEFAULT_QUEUE, 0, -1)
        redis.delete(settings.CELERY_TASK_DEFAULT_QUEUE)
    found = []
    for message in reversed(raw):
        _, (first,) = arguments_of(orjson.loads(message))
        found.append([UUID(first)] if isinstance(first, str) else [UUID(id_) for id_ in first])
    return found


def process_until_final(take: Callable[[], list[list[UUID]]] = take_messages) -> None:
    """Sweep and process in rounds until every image is final and announced. `take` empties the queue."""
    for _ in range(_MAX_ROUNDS):
        end_all_waits()
        sweep()
        for ids in take():
            process(ids)
        if not _unfinished().exists() and not _unannounced().exists():
            return
    raise AssertionError(f"After {_MAX_ROUNDS} rounds: {list(_unfinished().values())}")


def require_invariants() -> None:
    """Every image is final and announced, every claim released. Completed images have all thumbnails, others none."""
    assert not _unfinished().exists()
    assert not _unannounced().exists()
    assert not Image.objects.filter(claim__isnull=False).exists()
    assert not Image.objects.filter(announced_version__gt=F("version")).exists()
    assert not RemovedImage.objects.filter(announced=False).exists()
    for image in Image.objects.prefetch_related("thumbnails"):
        labels = {thumbnail.label for thumbnail in image.thumbnails.all()}
        wanted = set(settings.THUMBNAILS["SIZES"]) if image.status == Status.COMPLETED else set()
        assert labels == wanted, image.status
    counted = sum(Image.objects.filter(status=status).count() for status in FINAL_STATUSES)
    assert counted == Image.objects.count()


def require_files_match_rows() -> None:
    """Storage contains exactly the files that rows name, and the spool is empty."""
    stored = [file.key for file in LocalStore(Path(settings.MEDIA_ROOT)).list()]
    named: list[Any] = [*Image.objects.values_list("key", flat=True)]
    named += Thumbnail.objects.values_list("key", flat=True)
    assert stored == sorted(named, key=os.fsencode)
    assert list(Path(settings.INCOMING_ROOT).iterdir()) == []


def _unfinished() -> Any:
    return Image.objects.exclude(status__in=FINAL_STATUSES)


def _unannounced() -> Any:
    return Image.objects.filter(version__gt=F("announced_version"))
