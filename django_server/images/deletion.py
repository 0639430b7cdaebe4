"""Delete images: the rows in one transaction, then publish the deletion, then delete the files.

Files of archives are never deleted. A note of each deleted image (`RemovedImage`) is kept for a day: if this process
crashes, the sweeper publishes the deletion and deletes the files. `delete_in_steps` deletes any number of images in
small transactions that may be interrupted and repeated.
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
from images.processing.announce import announce_deletions
from images.processing.transitions import Deletion
from images.storage import storage

logger = logging.getLogger(__name__)

# Images in one transaction and one published message.
_STEP_IMAGES = 500
_SWEEP_IMAGES = 1000
# After this time the process that deleted an image is not going to delete its files itself.
_OWN_CLEANUP_SECONDS = 60
_NOTE_SECONDS = 24 * 3600


def delete_images(images: QuerySet[Image]) -> int:
    """Delete these images. Returns how many there were."""
    deletions = transitions.delete(images)
    finish_deletion(deletions)
    return len(deletions)


def finish_deletion(deletions: Sequence[Deletion]) -> None:
    """Publish the deletions and delete the files, after the commit of `transitions.delete`."""
    announce_deletions(deletions)
    delete_files(deletions)


def delete_files(deletions: Sequence[Deletion]) -> None:
    """Delete the files and mark it. A file that can't be deleted now is tried again by the sweeper."""
    deleted = [one.image_id for one in deletions if all(_delete(key) for key in one.keys)]
    RemovedImage.objects.filter(image_id__in=deleted).update(files_deleted=True)


def _delete(key: str) -> bool:
    try:
        storage().delete(key)
    except OSError as error:
        logger.warning("Could not delete %s yet: %s", key, error)
        return False
    return True


def delete_leftover_files() -> int:
    """Delete files of deleted images that the deleting process left: it crashed, or the storage was unavailable."""
    left = RemovedImage.objects.filter(files_deleted=False, removed_at__lt=ago(_OWN_CLEANUP_SECONDS))[
        :_SWEEP_IMAGES
    ]
    deletions = [Deletion.of(one) for one in left]
    delete_files(deletions)
    return len(deletions)


def delete_old_deletion_notes() -> int:
    """Delete notes of deletions that are published, whose files are gone, and that are a day old."""
    done = RemovedImage.objects.filter(announced=True, files_deleted=True)
    deleted, _ = done.filter(removed_at__lt=ago(_NOTE_SECONDS)).delete()
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
    """How much is deleted: images, how many of them belong to archives, and bytes of the deleted files."""

    images: int
    of_archives: int
    byte_size: int


def extent(images: ImageFilter) -> Extent:
    """What `delete_in_steps` will delete. Three statements."""
    found = images.queryset()
    uploads = found.filter(collection=settings.UPLOADS_COLLECTION)
    originals = uploads.aggregate(count=Count("id"), bytes=Sum("byte_size"))
    thumbnails = Thumbnail.objects.filter(image__in=uploads).aggregate(bytes=Sum("byte_size"))
    count = found.count()
    return Extent(count, count - originals["count"], (originals["bytes"] or 0) + (thumbnails["bytes"] or 0))


def delete_in_steps(images: ImageFilter) -> Iterator[int]:
    """Delete the images and the batches that become empty. Yields the number of images after each step.

    Each step is complete in itself: after an interruption the same call continues.
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
    """Delete the batches without images among `ids`. A batch that an upload is adding to at this moment is kept."""
    with transaction.atomic():
        empty = Batch.objects.filter(~Exists(Image.objects.filter(batch=OuterRef("pk"))), id__in=ids)
        locked = list(empty.select_for_update(skip_locked=True).order_by("id").values_list("id", flat=True))
        Batch.objects.filter(~Exists(Image.objects.filter(batch=OuterRef("pk"))), id__in=locked).delete()
