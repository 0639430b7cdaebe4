"""Deleting images: the rows at once, listeners told, then the files.

Of an archive that is a guest here only the rows go: its files are not ours to delete.
"""

import logging

from django.conf import settings
from django.db.models import QuerySet

from images.models import Image
from images.processing import transitions
from images.processing.announce import announce_removed
from images.storage import storage

logger = logging.getLogger(__name__)


def remove_images(images: QuerySet[Image]) -> int:
    """Remove these images. Returns how many there were. A file that can't be deleted now is left to reconcile."""
    removed = transitions.remove(images)
    announce_removed(removed)
    for one in removed:
        if one.collection == settings.UPLOADS_COLLECTION:
            for key in (one.key, *one.thumbnail_keys):
                _delete(key)
    return len(removed)


def _delete(key: str) -> None:
    try:
        storage().delete(key)
    except OSError as error:
        logger.warning("Could not delete %s, it stays until the storage is reconciled: %s", key, error)
