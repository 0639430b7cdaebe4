"""Whether a stored thumbnail still serves. Pure: never queries, never renders. URLs and the generator both ask it."""

from collections.abc import Mapping
from typing import TypedDict
from uuid import UUID

from images.thumbnails.labels import sizes
from imaging import RECIPE


class ThumbnailValues(TypedDict):
    """The columns of a Thumbnail row that answers are made from."""

    image_id: UUID
    label: str
    key: str
    scale: int
    source_version: str
    recipe: str


THUMBNAIL_FIELDS = tuple(ThumbnailValues.__annotations__)

ThumbnailsByLabel = Mapping[str, ThumbnailValues]


class ThumbnailRow(ThumbnailValues):
    """A whole Thumbnail row: what was asked and what came out (bytes; pixels, unknown where somebody else made it)."""

    width: int | None
    height: int | None
    byte_size: int


def is_valid(thumbnail: ThumbnailValues | None, scale_px: int, source_version: str) -> bool:
    """Whether a stored thumbnail serves for `scale_px` of the source named by `source_version`.

    Compared for equality, never by clock; what is unknown on either side is trusted.
    """
    if thumbnail is None or not thumbnail["key"] or thumbnail["scale"] != scale_px:
        return False
    return _agree(thumbnail["source_version"], source_version) and _agree(thumbnail["recipe"], RECIPE)


def missing_scales(thumbnails: ThumbnailsByLabel, source_version: str) -> dict[str, int]:
    """label -> scale of the configured thumbnails that have no valid row among these."""
    return {
        label: scale_px
        for label, scale_px in sizes().items()
        if not is_valid(thumbnails.get(label), scale_px, source_version)
    }


def _agree(one: str, other: str) -> bool:
    return not one or not other or one == other
