"""Types for the column values of images and thumbnails.

Imports nothing of the app. `images.queries` reads these values, `images.serializers` turns them into JSON.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict
from uuid import UUID


class ImageValues(TypedDict):
    """The columns of an Image row that responses and events are built from."""

    id: UUID
    batch_id: UUID | None
    collection: str
    name: str
    key: str
    byte_size: int
    media_type: str
    width: int | None
    height: int | None
    source_version: str
    status: str
    version: int
    error_code: str
    error_message: str
    uploaded_at: datetime
    finished_at: datetime | None
    changed_at: datetime


IMAGE_FIELDS = tuple(ImageValues.__annotations__)


class ThumbnailValues(TypedDict):
    """The columns of a Thumbnail row that responses are built from. `scale` is in pixels."""

    image_id: UUID
    label: str
    key: str
    scale: int
    source_version: str
    recipe: str


THUMBNAIL_FIELDS = tuple(ThumbnailValues.__annotations__)

ThumbnailsByLabel = Mapping[str, ThumbnailValues]


class ThumbnailRow(ThumbnailValues):
    """All columns of a Thumbnail row. Width and height are in pixels; None if another program made the file."""

    width: int | None
    height: int | None
    byte_size: int


# An image with its thumbnails by label, as lists, responses and events show it.
ListedImage = tuple[ImageValues, ThumbnailsByLabel]
