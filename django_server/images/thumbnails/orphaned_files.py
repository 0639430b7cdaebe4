"""Delete thumbnail files that were rendered for an image deleted meanwhile. Called after a claim was lost."""

import logging
from collections.abc import Sequence

from images.models import Image
from images.row_values import ThumbnailRow
from images.storage import storage

logger = logging.getLogger(__name__)


def delete_files_of_deleted_images(rows: Sequence[ThumbnailRow]) -> None:
    """Delete the files of those rows whose image is deleted. If it exists, the next claim uses the same keys.

    `rows` were not written. `manage.py reconcile` finds files that can't be deleted now.
    """
    if not rows:
        return
    images = {row["image_id"] for row in rows}
    existing = set(Image.objects.filter(id__in=images).values_list("id", flat=True))
    for row in rows:
        if row["image_id"] not in existing:
            try:
                storage().delete(row["key"])
            except OSError as error:
                logger.warning("Could not delete %s of a deleted image: %s", row["key"], error)
