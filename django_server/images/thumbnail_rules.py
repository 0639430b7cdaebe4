"""Which thumbnails an image should have, under which key each is stored, and whether a stored thumbnail is valid.

Pure functions of their arguments and the current settings: no queries, no files, no rendering.
"""

from collections.abc import Mapping

from django.conf import settings

from filestore.keys import parse_original, thumbnail_format, thumbnail_key
from images.row_values import ThumbnailsByLabel, ThumbnailValues
from imaging import RECIPE, OutputFormat


def sizes() -> Mapping[str, int]:
    """label -> scale in pixels, from the current settings. The first label is the default label."""
    configured: Mapping[str, int] = settings.THUMBNAILS["SIZES"]
    return configured


def default_label() -> str | None:
    """The label that a request without a label gets. None if no sizes are configured."""
    return next(iter(sizes()), None)


def largest_label() -> str | None:
    """The label of the largest thumbnail. None if no sizes are configured."""
    return max(sizes(), key=sizes().__getitem__, default=None)


def is_upload(collection: str) -> bool:
    """Whether `collection` is the one for uploads. All others are archives, whose files the app never deletes."""
    return collection == settings.UPLOADS_COLLECTION


def key_of_thumbnail(original_key: str, scale_px: int) -> str:
    """The storage key of a thumbnail. Raises InvalidKey.

    For an upload the key ends in `.jpg`. For an archive it has the extension of the original, as in pregen.
    """
    original = parse_original(original_key, settings.KEY_PREFIX)
    extension = "jpg" if is_upload(original.collection) else None
    return str(thumbnail_key(original, scale_px, extension))


def format_of_thumbnails(original_key: str) -> OutputFormat:
    """The format of an original's thumbnails, which their extension determines. Raises InvalidKey."""
    original = parse_original(original_key, settings.KEY_PREFIX)
    return "JPEG" if is_upload(original.collection) else thumbnail_format(original.extension)


def is_valid(thumbnail: ThumbnailValues | None, scale_px: int, source_version: str) -> bool:
    """Whether a stored thumbnail has the scale `scale_px` and was rendered from `source_version` by the current recipe.

    Versions are compared for equality, not by time. An empty version is unknown and counts as equal to any version.
    """
    if thumbnail is None or not thumbnail["key"] or thumbnail["scale"] != scale_px:
        return False
    return _may_be_equal(thumbnail["source_version"], source_version) and _may_be_equal(
        thumbnail["recipe"], RECIPE
    )


def missing_scales(thumbnails: ThumbnailsByLabel, source_version: str) -> dict[str, int]:
    """label -> scale of each configured size for which `thumbnails` has no valid row."""
    return {
        label: scale_px
        for label, scale_px in sizes().items()
        if not is_valid(thumbnails.get(label), scale_px, source_version)
    }


def _may_be_equal(first: str, second: str) -> bool:
    return not first or not second or first == second
