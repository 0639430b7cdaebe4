"""Delete images: the rows in one transaction, then publish the deletion, then delete the files.

Files of archives are never deleted. A `RemovedImage` row for each deleted image is kept for a day. If this process
crashes, the sweeper uses that row to publish the deletion and to delete the files. `delete_in_steps` deletes any number
of images in small transactions and may be interrupted and called again. Docstrings give the number of SQL statements,
which tests check.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from images.clock import ago
from images.models import Batch, Image, RemovedImage, Thumbnail
from images.processing import transitions
from images.processing.publish import publish_deletions
from images.processing.transitions import Deletion
from images.storage import storage

logger = logging.getLogger(__name__)

# Number of images in one transaction and in one published message.
_STEP_IMAGES = 500
# Number of images that the sweeper handles in one call.
_SWEEP_IMAGES = 1000
# Until this time after a deletion, the deleting process itself deletes the files. Later the sweeper does.
_OWN_CLEANUP_SECONDS = 60
_REMOVED_ROW_SECONDS = 24 * 3600


def delete_images(images: QuerySet[Image]) -> int:
    """Delete these images. Returns the number of deleted images."""
    deletions = transitions.delete(images)
    finish_deletion(deletions)
    return len(deletions)


def finish_deletion(deletions: Sequence[Deletion]) -> None:
    """Publish the deletions and delete the files, after the commit of `transitions.delete`."""
    publish_deletions(deletions)
    delete_files(deletions)


def delete_files(deletions: Sequence[Deletion]) -> None:
    """Delete the files and set `files_deleted` in the `RemovedImage` rows. The sweeper retries what is left."""
    done_ids = [deletion.image_id for deletion in deletions if all(_delete(key) for key in deletion.keys)]
    RemovedImage.objects.filter(image_id__in=done_ids).update(files_deleted=True)


def _delete(key: str) -> bool:
    """Delete the file. False if the storage is unavailable."""
    try:
        storage().delete(key)
    except OSError as error:
        logger.warning("Could not delete %s; the sweeper will try again: %s", key, error)
        return False
    return True


def delete_leftover_files() -> int:
    """Delete files of deleted images that still exist because a process crashed or the storage was unavailable.

    Returns the number of images whose files it tried to delete.
    """
    unfinished = RemovedImage.objects.filter(files_deleted=False, removed_at__lt=ago(_OWN_CLEANUP_SECONDS))[
        :_SWEEP_IMAGES
    ]
    deletions = [Deletion.of(removed) for removed in unfinished]
    delete_files(deletions)
    return len(deletions)


def delete_old_deletion_notes() -> int:
    """Delete `RemovedImage` rows that are a day old, if the deletion is published and the files are deleted.

    Returns the number of deleted rows.
    """
    finished = RemovedImage.objects.filter(announced=True, files_deleted=True)
    deleted, _ = finished.filter(removed_at__lt=ago(_REMOVED_ROW_SECONDS)).delete()
    return deleted


@dataclass(frozen=True)
class ImageFilter:
    """A filter of images; a condition that is None is not applied."""

    batch_id: UUID | None = None
    collection: str | None = None
    uploaded_before: datetime | None = None

    def queryset(self) -> QuerySet[Image]:
        conditions = Q()
        if self.batch_id is not None:
            conditions &= Q(batch_id=self.batch_id)
        if self.collection is not None:
            conditions &= Q(collection=self.collection)
        if self.uploaded_before is not None:
            conditions &= Q(uploaded_at__lt=self.uploaded_before)
        return Image.objects.filter(conditions)


@dataclass(frozen=True)
class Extent:
    """How much a deletion covers.

    `images` includes the `of_archives` images of archives. `byte_size` is the size of the files that are deleted.
    """

    images: int
    of_archives: int
    byte_size: int


def extent(images: ImageFilter) -> Extent:
    """Measure what `delete_in_steps` will delete. Three statements."""
    chosen = images.queryset()
    uploads = chosen.filter(collection=settings.UPLOADS_COLLECTION)
    originals = uploads.aggregate(count=Count("id"), bytes=Sum("byte_size"))
    thumbnails = Thumbnail.objects.filter(image__in=uploads).aggregate(bytes=Sum("byte_size"))
    count = chosen.count()
    return Extent(count, count - originals["count"], (originals["bytes"] or 0) + (thumbnails["bytes"] or 0))


def delete_in_steps(images: ImageFilter) -> Iterator[int]:
    """Delete the images and the batches that become empty. Yields the number of images deleted in each step.

    Each step has its own transaction. After an interruption, the same call deletes the remaining images.
    """
    in_order = images.queryset().order_by("id")
    last: UUID | None = None
    while True:
        later = in_order if last is None else in_order.filter(id__gt=last)
        page = list(later.values_list("id", "batch_id")[:_STEP_IMAGES])
        if not page:
            break
        last = page[-1][0]
        try:
            deleted = delete_images(Image.objects.filter(id__in=[id_ for id_, _ in page]))
        finally:
            delete_empty_batches({batch_id for _, batch_id in page if batch_id is not None})
        yield deleted
    if images.batch_id is not None:
        # An earlier run may have been killed before it deleted the empty batch.
        delete_empty_batches({images.batch_id})


def delete_empty_batches(ids: set[UUID]) -> None:
    """Delete the batches among `ids` that have no images.

    A batch whose row is locked is kept, because an upload is adding images to it.
    """
    with transaction.atomic():
        empty = Batch.objects.filter(~Exists(Image.objects.filter(batch=OuterRef("pk"))), id__in=ids)
        locked = list(empty.select_for_update(skip_locked=True).order_by("id").values_list("id", flat=True))
        Batch.objects.filter(~Exists(Image.objects.filter(batch=OuterRef("pk"))), id__in=locked).delete()
