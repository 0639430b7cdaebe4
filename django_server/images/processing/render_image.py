"""Read one original from storage, render its thumbnails and store them. Uses no database. Called by `worker_loop`."""

import logging
from contextlib import AbstractContextManager
from functools import partial
from typing import BinaryIO, cast

from django.conf import settings

from images.observability.timings import record_rendering, stage
from images.processing.outcomes import Failed, Outcome, Postponed, Rendered
from images.rendering.limit_settings import imaging_limits
from images.row_values import ImageValues
from images.storage import storage
from images.thumbnail_rules import key_of_thumbnail, sizes
from images.thumbnails.upsert import rows_of
from imaging import ImagingError, Rendering, render

logger = logging.getLogger(__name__)


def render_image(image: ImageValues) -> Outcome | Postponed:
    """Render `image`. Returns an outcome even if the image is damaged or the storage fails. An exception is a bug."""
    open_target = partial(_open_target, image)
    try:
        with stage("fetch"):
            original = storage().open(image["key"])
        with original as source:
            rendering = render(
                cast(BinaryIO, source),
                sizes(),
                quality=settings.THUMBNAILS["QUALITY"],
                open_target=open_target,
                limits=imaging_limits(),
            )
    except ImagingError as error:
        return Failed(image["id"], error.code, error.message)
    except FileNotFoundError:
        return Failed(image["id"], "processing_failed", "The original file is no longer there.")
    except OSError as error:
        logger.warning("The storage is unavailable for image %s: %s", image["id"], error)
        return Postponed(image["id"])
    record_rendering(rendering.timings)
    return rendered(image, rendering)


def rendered(image: ImageValues, rendering: Rendering) -> Rendered:
    """The outcome for a rendering whose files are stored."""
    rows = rows_of(image, rendering, image["source_version"])
    return Rendered(image["id"], rendering.width, rendering.height, rows)


def _open_target(image: ImageValues, label: str) -> AbstractContextManager[BinaryIO]:
    """A new file in storage for the thumbnail `label`."""
    return storage().writing(key_of_thumbnail(image["key"], sizes()[label]))
