"""Read images with their thumbnails, in two statements per page.

`with_thumbnails` returns values; `prefetched` and `listed_of` do the same for model instances (the admin).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import cast
from uuid import UUID

from django.db.models import QuerySet

from images.models import Image, Status, Thumbnail
from images.row_values import IMAGE_FIELDS, THUMBNAIL_FIELDS, ImageValues, Listed, ThumbnailValues


def with_thumbnails(images: QuerySet[Image]) -> list[Listed]:
    """The values of `images`, in their order, each with its thumbnails by label.

    Two statements; one where no image is completed, as others are shown without thumbnails.
    """
    rows = cast(list[ImageValues], list(images.values(*IMAGE_FIELDS)))
    found = thumbnails_of([row["id"] for row in rows if row["status"] == Status.COMPLETED])
    return [(row, found.get(row["id"], {})) for row in rows]


def by_ids(ids: Sequence[UUID]) -> list[Listed]:
    """The images of these ids that exist, newest first."""
    return with_thumbnails(Image.objects.filter(id__in=ids).order_by("-uploaded_at", "-id"))


def prefetched(images: QuerySet[Image]) -> QuerySet[Image]:
    """The queryset with prefetched thumbnails: one statement more for any number of images."""
    return images.prefetch_related("thumbnails")


def listed_of(image: Image) -> Listed:
    """The values of an instance. Never queries: without a prefetch it has no thumbnails, and so on-demand URLs."""
    values = cast(ImageValues, {field: getattr(image, field) for field in IMAGE_FIELDS})
    prefetched_rows = getattr(image, "_prefetched_objects_cache", {}).get("thumbnails", ())
    thumbnails = {
        one.label: cast(ThumbnailValues, {field: getattr(one, field) for field in THUMBNAIL_FIELDS})
        for one in prefetched_rows
    }
    return values, thumbnails


def thumbnails_of(ids: Sequence[UUID]) -> dict[UUID, dict[str, ThumbnailValues]]:
    """The thumbnails of these images, by image and label. One statement, or none for no image."""
    found: dict[UUID, dict[str, ThumbnailValues]] = defaultdict(dict)
    rows = Thumbnail.objects.filter(image_id__in=ids).values(*THUMBNAIL_FIELDS) if ids else ()
    for row in cast(Iterable[ThumbnailValues], rows):
        found[row["image_id"]][row["label"]] = row
    return found
