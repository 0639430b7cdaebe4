"""Making the thumbnails of one chunk in a worker: image by image, none of which keeps the others from theirs.

Called by the task `images.make_thumbnails`; `backfill` decides which images get here.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from uuid import UUID

from images import queue
from images.draining import draining
from images.errors import Refusal
from images.thumbnails.generate import ensure_in_worker

logger = logging.getLogger(__name__)


def make_thumbnails_of(
    ids: Sequence[UUID], guard: Callable[[], AbstractContextManager[object]] = nullcontext
) -> None:
    """Make what these images lack. A failure is logged, and remembered by `claims`; never raises.

    `guard` surrounds each image. A worker that is told to stop puts the images not begun into the queue again.
    """
    for place, image_id in enumerate(ids):
        if draining():
            queue.ask_for_thumbnails(ids[place:])
            return
        try:
            ensure_in_worker(image_id, guard)
        except Refusal as refusal:
            logger.info("%s goes without new thumbnails: %s", image_id, refusal)
        except Exception:
            # The outermost boundary of an image: the database was away, or this is a fault of ours.
            logger.exception("The thumbnails of %s could not be made.", image_id)
