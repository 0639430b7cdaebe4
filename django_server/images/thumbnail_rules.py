"""Which thumbnails an image should have, where each is kept, and whether a stored one is still valid.

A leaf and pure: reads the settings when it is called, never queries, never renders.
"""

from collections.abc import Mapping

from django.conf import settings

from filestore.keys import parse_original, thumbnail_format, thumbnail_key
from images.row_values import ThumbnailsByLabel, ThumbnailValues
from imaging import RECIPE, OutputFormat


def sizes() -> Mapping[str, int]:
    """label -> scale in pixels, as configured now. The first label is the default."""
    configured: Mapping[str, int] = settings.THUMBNAILS["SIZES"]
    return configured


def default_label() -> str | None:
    """The label of a request without one; None if no sizes are configured."""
    return next(iter(sizes()), None)


def largest_label() -> str | None:
    """The label whose thumbnail is the processed picture; None if no sizes are configured."""
    return max(sizes(), key=sizes().__getitem__, default=None)


def is_upload(collection: str) -> bool:
    """Whether a collection holds the uploads. Any other is an archive, whose files the app never deletes."""
    return collection == settings.UPLOADS_COLLECTION


def key_of_thumbnail(original_key: str, scale_px: int) -> str:
    """The storage key of a thumbnail. Raises InvalidKey.

    For an upload it ends in `.jpg`; for an archive it keeps the original's extension, as pregen's thumbnails do.
    """
    original = parse_original(original_key, settings.KEY_PREFIX)
    extension = "jpg" if is_upload(original.collection) else None
    return str(thumbnail_key(original, scale_px, extension))


def format_of_thumbnails(original_key: str) -> OutputFormat:
    """The format of an original's thumbnails, which follows from their names. Raises InvalidKey."""
    original = parse_original(original_key, settings.KEY_PREFIX)
    return "JPEG" if is_upload(original.collection) else thumbnail_format(original.extension)


def is_valid(thumbnail: ThumbnailValues | None, scale_px: int, source_version: str) -> bool:
    """Whether a stored thumbnail is valid: of `scale_px` pixels, and rendered from `source_version`.

    Versions are compared for equality, never by time; an unknown version on either side counts as equal.
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
