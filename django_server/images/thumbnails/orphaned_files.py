"""Delete thumbnail files whose image was deleted while they were rendered. Called after a claim was lost."""

import logging
from collections.abc import Sequence

from images.models import Image
from images.row_values import ThumbnailRow
from images.storage import storage

logger = logging.getLogger(__name__)


def delete_files_of_deleted_images(rows: Sequence[ThumbnailRow]) -> None:
    """Delete the files of `rows` whose image was deleted. These rows were never written to the database.

    If an image still exists, its files are kept: the next claim stores files under the same keys. `manage.py reconcile`
    finds files that can't be deleted now.
    """
    if not rows:
        return
    image_ids = {row["image_id"] for row in rows}
    existing_ids = set(Image.objects.filter(id__in=image_ids).values_list("id", flat=True))
    for row in rows:
        if row["image_id"] not in existing_ids:
            try:
                storage().delete(row["key"])
            except OSError as error:
                logger.warning("Could not delete %s of a deleted image: %s", row["key"], error)
