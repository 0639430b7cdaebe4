"""Generate the missing thumbnails of one chunk of images in a worker. One failure does not affect the other images.

Called by the task `images.make_thumbnails`; `backfill` selects the images.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from uuid import UUID

from images import celery_queue
from images.error_codes import ApiError
from images.thumbnails.generate import generate_in_worker
from images.worker_stop_flag import worker_is_stopping

logger = logging.getLogger(__name__)


def generate_each(
    ids: Sequence[UUID], time_limit: Callable[[], AbstractContextManager[object]] = nullcontext
) -> None:
    """Generate the missing thumbnails of these images. Never raises: errors are logged, and stored in the image's row.

    `time_limit()` is a context manager that limits the time of one image. A stopping worker puts the images that it has
    not started back into the queue.
    """
    for index, image_id in enumerate(ids):
        if worker_is_stopping():
            celery_queue.enqueue_thumbnails(ids[index:])
            return
        try:
            generate_in_worker(image_id, time_limit)
        except ApiError as error:
            logger.info("No thumbnails generated for %s: %s", image_id, error)
        except Exception:
            # The database is unavailable, or there is a bug: log it and go on with the next image.
            logger.exception("Could not generate the thumbnails of %s.", image_id)
