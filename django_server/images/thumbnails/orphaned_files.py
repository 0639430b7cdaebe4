"""Files of thumbnails that were made for an image which is gone by now. Called by whoever made them too late."""

import logging
from collections.abc import Sequence

from images.models import Image
from images.rows import ThumbnailRow
from images.storage import storage

logger = logging.getLogger(__name__)


def discard_files_of_the_deleted(rows: Sequence[ThumbnailRow]) -> None:
    """Delete the files of those rows whose image is gone. Where it lives, a successor uses the same keys.

    `rows` were not written. What can't be deleted now, reconcile finds.
    """
    if not rows:
        return
    images = {row["image_id"] for row in rows}
    alive = set(Image.objects.filter(id__in=images).values_list("id", flat=True))
    for row in rows:
        if row["image_id"] not in alive:
            try:
                storage().delete(row["key"])
            except OSError as error:
                logger.warning("Could not delete %s, of an image that is gone: %s", row["key"], error)
