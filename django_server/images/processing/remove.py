"""Deleting images: the rows at once, listeners told, then the files.

A note of each lives on for a day: whatever becomes of this process, the sweeper tells of it and deletes the files.
"""

import logging
from collections.abc import Sequence

from django.db.models import QuerySet

from images.models import Image, RemovedImage
from images.processing import transitions
from images.processing.announce import announce_removed
from images.processing.transitions import Removed
from images.storage import storage

logger = logging.getLogger(__name__)


def remove_images(images: QuerySet[Image]) -> int:
    """Remove these images. Returns how many there were."""
    removed = transitions.remove(images)
    finish_removal(removed)
    return len(removed)


def finish_removal(removed: Sequence[Removed]) -> None:
    """What follows the commit of `transitions.remove`: listeners are told, the files deleted."""
    announce_removed(removed)
    delete_files(removed)


def delete_files(removed: Sequence[Removed]) -> None:
    """Delete what is left of their files, and note it. What can't be deleted now is tried again by the sweeper."""
    deleted = [one.image_id for one in removed if all(_delete(key) for key in one.keys)]
    RemovedImage.objects.filter(image_id__in=deleted).update(files_deleted=True)


def _delete(key: str) -> bool:
    try:
        storage().delete(key)
    except OSError as error:
        logger.warning("Could not delete %s yet: %s", key, error)
        return False
    return True
