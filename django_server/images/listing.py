"""Reading images for answers: always two statements, the page and its thumbnails, never one per row."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import cast
from uuid import UUID

from django.db.models import QuerySet

from images.models import Image, Thumbnail
from images.thumbnails import THUMBNAIL_FIELDS, ThumbnailValues
from images.wire import IMAGE_FIELDS, ImageValues, ThumbnailsByLabel

Listed = tuple[ImageValues, ThumbnailsByLabel]


def with_thumbnails(images: QuerySet[Image]) -> list[Listed]:
    """The values of `images`, in their order, each with its thumbnails by label. Exactly two statements."""
    rows = cast(list[ImageValues], list(images.values(*IMAGE_FIELDS)))
    found = thumbnails_of(row["id"] for row in rows)
    return [(row, found.get(row["id"], {})) for row in rows]


def by_ids(ids: Sequence[UUID]) -> list[Listed]:
    """The images of these ids that exist, newest first."""
    return with_thumbnails(Image.objects.filter(id__in=ids).order_by("-uploaded_at", "-id"))


def thumbnails_of(ids: Iterable[UUID]) -> dict[UUID, dict[str, ThumbnailValues]]:
    """The thumbnails of these images, by image and label. One statement."""
    found: dict[UUID, dict[str, ThumbnailValues]] = defaultdict(dict)
    rows = Thumbnail.objects.filter(image_id__in=list(ids)).values(*THUMBNAIL_FIELDS)
    for row in cast(Iterable[ThumbnailValues], rows):
        found[cast(UUID, row["image_id"])][row["label"]] = row
    return found
