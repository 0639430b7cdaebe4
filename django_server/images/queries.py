"""Read images with their thumbnails, in two SQL statements per page.

`with_thumbnails` returns values. The admin needs model instances: it uses `prefetched` and then `listed_image`.
Docstrings give the number of SQL statements, which tests check.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import cast
from uuid import UUID

from django.db.models import QuerySet

from images.models import Image, Status, Thumbnail
from images.row_values import IMAGE_FIELDS, THUMBNAIL_FIELDS, ImageValues, ListedImage, ThumbnailValues


def with_thumbnails(images: QuerySet[Image]) -> list[ListedImage]:
    """The values of `images`, in their order, each with its thumbnails by label.

    Two statements; one if no image is completed, because only completed images have thumbnails.
    """
    rows = cast(list[ImageValues], list(images.values(*IMAGE_FIELDS)))
    thumbnails = thumbnails_of([row["id"] for row in rows if row["status"] == Status.COMPLETED])
    return [(row, thumbnails.get(row["id"], {})) for row in rows]


def by_ids(ids: Sequence[UUID]) -> list[ListedImage]:
    """The existing images among `ids`, newest first."""
    return with_thumbnails(Image.objects.filter(id__in=ids).order_by("-uploaded_at", "-id"))


def prefetched(images: QuerySet[Image]) -> QuerySet[Image]:
    """The queryset with prefetched thumbnails. This adds one SQL statement for any number of images."""
    return images.prefetch_related("thumbnails")


def listed_image(image: Image) -> ListedImage:
    """The values of an instance and its prefetched thumbnails. Sends no query.

    Without a prefetch there are no thumbnails, so that their URLs become on-demand URLs.
    """
    values = cast(ImageValues, {name: getattr(image, name) for name in IMAGE_FIELDS})
    prefetched_rows = getattr(image, "_prefetched_objects_cache", {}).get("thumbnails", ())
    thumbnails = {
        thumbnail.label: cast(ThumbnailValues, {name: getattr(thumbnail, name) for name in THUMBNAIL_FIELDS})
        for thumbnail in prefetched_rows
    }
    return values, thumbnails


def thumbnails_of(ids: Sequence[UUID]) -> dict[UUID, dict[str, ThumbnailValues]]:
    """The thumbnails of these images, by image id and label. One statement; none if `ids` is empty."""
    by_image: dict[UUID, dict[str, ThumbnailValues]] = defaultdict(dict)
    rows = Thumbnail.objects.filter(image_id__in=ids).values(*THUMBNAIL_FIELDS) if ids else ()
    for row in cast(Iterable[ThumbnailValues], rows):
        by_image[row["image_id"]][row["label"]] = row
    return by_image
