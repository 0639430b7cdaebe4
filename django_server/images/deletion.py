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

# One transaction locks, and one frame tells, so many.
_AT_ONCE = 500
_SWEEP_AT_ONCE = 1000
# After this time the process that deleted an image is not going to delete its files itself.
_OWN_CLEANUP_SECONDS = 60
_NOTE_SECONDS = 24 * 3600


def delete_images(images: QuerySet[Image]) -> int:
    """Remove these images. Returns how many there were."""
    removed = transitions.delete(images)
    finish_deletion(removed)
    return len(removed)


def finish_deletion(removed: Sequence[Deletion]) -> None:
    """What follows the commit of `transitions.delete`: listeners are told, the files deleted."""
    announce_deletions(removed)
    delete_files(removed)


def delete_files(removed: Sequence[Deletion]) -> None:
    """Delete what is left of their files, and note it. What can't be deleted now is tried again by the sweeper."""
    deleted = [one.image_id for one in removed if all(_delete(key) for key in one.keys)]
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
        :_SWEEP_AT_ONCE
    ]
    gone = [Deletion.of(one) for one in left]
    delete_files(gone)
    return len(gone)


def delete_old_deletion_notes() -> int:
    """Delete notes of deletions that are published, whose files are gone, and that are a day old."""
    done = RemovedImage.objects.filter(announced=True, files_deleted=True)
    forgotten, _ = done.filter(removed_at__lt=ago(_NOTE_SECONDS)).delete()
    return forgotten


@dataclass(frozen=True)
class Chosen:
    """Images that fulfil all that is given; every image, if nothing is."""

    batch_id: UUID | None = None
    collection: str | None = None
    uploaded_before: datetime | None = None

    def images(self) -> QuerySet[Image]:
        chosen = Q()
        if self.batch_id is not None:
            chosen &= Q(batch_id=self.batch_id)
        if self.collection is not None:
            chosen &= Q(collection=self.collection)
        if self.uploaded_before is not None:
            chosen &= Q(uploaded_at__lt=self.uploaded_before)
        return Image.objects.filter(chosen)


@dataclass(frozen=True)
class Extent:
    """How much is deleted: images, those of them whose files are an archive's, bytes of the files that go."""

    images: int
    of_archives: int
    byte_size: int


def extent(chosen: Chosen) -> Extent:
    """Three statements."""
    images = chosen.images()
    uploads = images.filter(collection=settings.UPLOADS_COLLECTION)
    originals = uploads.aggregate(count=Count("id"), bytes=Sum("byte_size"))
    thumbnails = Thumbnail.objects.filter(image__in=uploads).aggregate(bytes=Sum("byte_size"))
    count = images.count()
    return Extent(count, count - originals["count"], (originals["bytes"] or 0) + (thumbnails["bytes"] or 0))


def delete_in_steps(chosen: Chosen) -> Iterator[int]:
    """Delete them and the batches that are left empty; yields how many images were, after each step.

    Each step is whole: whoever stops between two has lost nothing, and goes on by doing the same again.
    """
    in_order = chosen.images().order_by("id")
    last: UUID | None = None
    while True:
        later = in_order if last is None else in_order.filter(id__gt=last)
        page = list(later.values_list("id", "batch_id")[:_AT_ONCE])
        if not page:
            break
        last = page[-1][0]
        try:
            removed = delete_images(Image.objects.filter(id__in=[id_ for id_, _ in page]))
        finally:
            delete_empty_batches({batch_id for _, batch_id in page if batch_id is not None})
        yield removed
    if chosen.batch_id is not None:
        # Emptied by a run that was killed before it came to that.
        delete_empty_batches({chosen.batch_id})


def delete_empty_batches(ids: set[UUID]) -> None:
    """Delete those of the batches that no image is in. One that an upload is just adding to is left alone."""
    with transaction.atomic():
        empty = Batch.objects.filter(~Exists(Image.objects.filter(batch=OuterRef("pk"))), id__in=ids)
        held = list(empty.select_for_update(skip_locked=True).order_by("id").values_list("id", flat=True))
        Batch.objects.filter(~Exists(Image.objects.filter(batch=OuterRef("pk"))), id__in=held).delete()
