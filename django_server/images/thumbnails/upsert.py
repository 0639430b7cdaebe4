"""Thumbnail rows: built from a rendering, and upserted. The caller's transaction has checked the image's state."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models.functions import Now

from images.models import Thumbnail
from images.row_values import THUMBNAIL_FIELDS, ImageValues, ThumbnailRow
from images.thumbnail_rules import key_of_thumbnail
from imaging import RECIPE, Rendering

_REPLACED = [
    *(field for field in THUMBNAIL_FIELDS if field not in ("image_id", "label")),
    *("width", "height", "byte_size", "generated_at"),
]

# Differs from every renderer's recipe, so never valid. A blank one would be trusted.
_STALE_RECIPE = "0:to be made anew"


def rows_of(image: ImageValues, rendering: Rendering, source_version: str) -> list[ThumbnailRow]:
    """The rows of the thumbnails rendered from the bytes of `image` that `source_version` identifies. Pure."""
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
    """Insert the rows, or replace those of the same image and label. One statement."""
    Thumbnail.objects.bulk_create(
        [Thumbnail(**row, generated_at=Now()) for row in rows],
        update_conflicts=True,
        unique_fields=["image", "label"],
        update_fields=_REPLACED,
    )


def mark_stale(image_ids: Sequence[UUID], generated_before: datetime) -> int:
    """Mark the thumbnails of these images generated before that moment as stale, to be generated again.

    Their files stay until they are replaced, so that known URLs keep working. Returns the number of rows.
    """
    older = Thumbnail.objects.filter(image_id__in=image_ids, generated_at__lt=generated_before)
    return older.update(recipe=_STALE_RECIPE)
