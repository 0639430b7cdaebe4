"""Which thumbnails an image should have, and where each is kept. Pure: reads the settings when it is called."""

from collections.abc import Mapping

from django.conf import settings

from filestore.keys import parse_original, thumbnail_format, thumbnail_key
from imaging import OutputFormat


def sizes() -> Mapping[str, int]:
    """label -> scale in pixels, as configured now. The first label is the default."""
    configured: Mapping[str, int] = settings.THUMBNAILS["SIZES"]
    return configured


def default_label() -> str | None:
    """The label that is meant where none is named; None where no sizes are configured."""
    return next(iter(sizes()), None)


def largest_label() -> str | None:
    """The label whose thumbnail is the processed picture; None where no sizes are configured."""
    return max(sizes(), key=sizes().__getitem__, default=None)


def is_upload(collection: str) -> bool:
    """Whether the images of a collection are the app's own. Any other is an archive: a guest, whose files stay."""
    return collection == settings.UPLOADS_COLLECTION


def key_of_thumbnail(original_key: str, scale_px: int) -> str:
    """Where a thumbnail is kept: beside the original's place. Raises InvalidKey.

    An upload's is a JPEG by name too; an archive's keeps the original's extension, as what pregen makes does.
    """
    original = parse_original(original_key, settings.KEY_PREFIX)
    extension = "jpg" if is_upload(original.collection) else None
    return str(thumbnail_key(original, scale_px, extension))


def format_of_thumbnails(original_key: str) -> OutputFormat:
    """What the thumbnails of an original hold, by the name they get. Raises InvalidKey."""
    original = parse_original(original_key, settings.KEY_PREFIX)
    return "JPEG" if is_upload(original.collection) else thumbnail_format(original.extension)
