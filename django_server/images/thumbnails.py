"""Which thumbnails an image should have, and whether a stored one still serves. Pure: never queries, never renders."""

from collections.abc import Mapping
from typing import TypedDict

from django.conf import settings

from archive.keys import parse_original, thumbnail_key
from imaging import RECIPE


class ThumbnailValues(TypedDict):
    """The columns of a Thumbnail row that answers are made from."""

    image_id: object
    label: str
    key: str
    scale: int
    source_version: str
    recipe: str


THUMBNAIL_FIELDS = tuple(ThumbnailValues.__annotations__)


def sizes() -> Mapping[str, int]:
    """label -> scale in pixels, as configured now. The first label is the default."""
    configured: Mapping[str, int] = settings.THUMBNAILS["SIZES"]
    return configured


def largest_label() -> str | None:
    """The label whose thumbnail is the processed picture; None where no sizes are configured."""
    return max(sizes(), key=sizes().__getitem__, default=None)


def key_of_thumbnail(original_key: str, scale_px: int) -> str:
    """Where the app keeps a thumbnail: beside the original's place, as a JPEG. Raises InvalidKey."""
    return str(thumbnail_key(parse_original(original_key, settings.KEY_PREFIX), scale_px, "jpg"))


def is_valid(thumbnail: ThumbnailValues | None, scale_px: int, source_version: str) -> bool:
    """Whether a stored thumbnail serves for `scale_px` of the source named by `source_version`.

    Compared for equality, never by clock; what is unknown on either side is trusted.
    """
    if thumbnail is None or not thumbnail["key"] or thumbnail["scale"] != scale_px:
        return False
    return _agree(thumbnail["source_version"], source_version) and _agree(thumbnail["recipe"], RECIPE)


def _agree(one: str, other: str) -> bool:
    return not one or not other or one == other
