"""Rows of completed images and their thumbnails, many at once and without files, for tests of reading."""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from images.models import Batch, Image, Status, Thumbnail
from images.thumbnail_rules import sizes
from imaging import RECIPE


def completed_rows(number: int, batch: Batch | None = None, moment: datetime | None = None) -> list[Image]:
    """`number` completed images with every configured thumbnail, uploaded a microsecond apart or all at `moment`."""
    now = timezone.now()
    images = [
        _image(batch, moment or now + timedelta(microseconds=index), f"row-{index}.jpg")
        for index in range(number)
    ]
    Image.objects.bulk_create(images)
    Thumbnail.objects.bulk_create(
        Thumbnail(
            image=image,
            label=label,
            key=f"{settings.KEY_PREFIX}/{settings.UPLOADS_COLLECTION}/thumbnails/{image.id}_{scale_px}.jpg",
            scale=scale_px,
            byte_size=1,
            source_version=image.source_version,
            recipe=RECIPE,
        )
        for image in images
        for label, scale_px in sizes().items()
    )
    return images


def _image(batch: Batch | None, moment: datetime, name: str) -> Image:
    id_ = uuid.uuid4()
    return Image(
        id=id_,
        batch=batch,
        collection=settings.UPLOADS_COLLECTION,
        name=name,
        key=f"{settings.KEY_PREFIX}/{settings.UPLOADS_COLLECTION}/originals/{id_}.jpg",
        byte_size=1,
        media_type="image/jpeg",
        source_version=id_.hex,
        status=Status.COMPLETED,
        uploaded_at=moment,
        finished_at=moment,
    )
