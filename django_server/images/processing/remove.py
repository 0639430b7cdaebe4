"""Deleting images: the rows at once, listeners told, then the files.

Of an archive that is a guest here only the rows go: its files are not ours to delete.
"""

import logging
from collections.abc import Sequence

from django.conf import settings
from django.db.models import QuerySet

from archive.keys import InvalidKey
from images.models import Image
from images.processing import transitions
from images.processing.announce import announce_removed
from images.processing.render import key_of_thumbnail
from images.processing.transitions import Removed
from images.storage import storage
from images.thumbnails import sizes

logger = logging.getLogger(__name__)


def remove_images(images: QuerySet[Image]) -> int:
    """Remove these images. Returns how many there were. A file that can't be deleted now is left to reconcile."""
    removed = transitions.remove(images)
    finish_removal(removed)
    return len(removed)


def finish_removal(removed: Sequence[Removed]) -> None:
    """What follows the commit of `transitions.remove`: listeners are told, the files deleted."""
    announce_removed(removed)
    for one in removed:
        if one.collection == settings.UPLOADS_COLLECTION:
            for key in {one.key, *one.thumbnail_keys, *_unflushed_keys(one.key)}:
                _delete(key)


def _unflushed_keys(original_key: str) -> list[str]:
    """Where a process that died between rendering and its flush left thumbnails that have no rows."""
    try:
        return [key_of_thumbnail(original_key, scale_px) for scale_px in sizes().values()]
    except InvalidKey:  # uploaded under another KEY_PREFIX
        return []


def _delete(key: str) -> None:
    try:
        storage().delete(key)
    except OSError as error:
        logger.warning("Could not delete %s, it stays until the storage is reconciled: %s", key, error)
