"""Deleting many images: which, how many, and all of them in small steps that may be interrupted and gone on with.

Called by `manage.py delete`. `remove` knows whose files go: an archive's stay.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from images.models import Batch, Image, Thumbnail
from images.processing.remove import remove_images

# One transaction locks, and one frame tells, so many.
_AT_ONCE = 500


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


def delete_images(chosen: Chosen) -> Iterator[int]:
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
            removed = remove_images(Image.objects.filter(id__in=[id_ for id_, _ in page]))
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
