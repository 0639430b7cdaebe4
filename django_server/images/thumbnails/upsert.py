"""Build the rows of thumbnails from a rendering, and upsert them.

The caller first checks the image's state, in the same transaction.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models.functions import Now

from images.models import Thumbnail
from images.row_values import THUMBNAIL_FIELDS, ImageValues, ThumbnailRow
from images.thumbnail_rules import key_of_thumbnail
from imaging import RECIPE, Rendering

_REPLACED_FIELDS = [
    *(field for field in THUMBNAIL_FIELDS if field not in ("image_id", "label")),
    *("width", "height", "byte_size", "generated_at"),
]

# Differs from every renderer's recipe, so a thumbnail with this recipe is stale. A blank recipe would not be stale.
_STALE_RECIPE = "0:to be made anew"


def rows_of(image: ImageValues, rendering: Rendering, source_version: str) -> list[ThumbnailRow]:
    """The rows of the thumbnails rendered from `image`. `source_version` is the version of the rendered bytes. Pure."""
    return [
        ThumbnailRow(
            image_id=image["id"],
            label=thumbnail.label,
            key=key_of_thumbnail(image["key"], thumbnail.scale_px),
            scale=thumbnail.scale_px,
            width=thumbnail.width,
            height=thumbnail.height,
            byte_size=thumbnail.byte_size,
            source_version=source_version,
            recipe=RECIPE,
        )
        for thumbnail in rendering.thumbnails.values()
    ]


def save_thumbnails(rows: Sequence[ThumbnailRow]) -> None:
    """Insert the rows; a row with the same image and label is replaced. One SQL statement."""
    Thumbnail.objects.bulk_create(
        [Thumbnail(**row, generated_at=Now()) for row in rows],
        update_conflicts=True,
        unique_fields=["image", "label"],
        update_fields=_REPLACED_FIELDS,
    )


def mark_stale(image_ids: Sequence[UUID], generated_before: datetime) -> int:
    """Mark the thumbnails of these images as stale that were generated before this time. Returns their number.

    Their files are kept until they are replaced, so that the URLs that clients have still work.
    """
    older = Thumbnail.objects.filter(image_id__in=image_ids, generated_at__lt=generated_before)
    return older.update(recipe=_STALE_RECIPE)
