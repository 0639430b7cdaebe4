"""The synchronous upload: one file, rendered before the response. A file that can't be rendered is not kept.

The image is claimed and flushed as in a worker, so if this process crashes, the sweeper queues the image for a worker.
The upload route calls `complete` inside the block of `rendered_upload`, in the transaction that stores the response.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.db import DatabaseError, connection, transaction

from images.deletion import delete_images
from images.error_codes import ApiError
from images.models import Image
from images.observability.timings import record_rendering, stage
from images.processing import transitions
from images.processing.outcomes import Rendered
from images.processing.publish import publish_unfinished
from images.processing.render_image import rendered
from images.processing.transitions import Claim
from images.rendering.decode_pool import render_in_process_pool
from images.rendering.limit_settings import imaging_limits
from images.rendering.slots import render_slot
from images.row_values import ImageValues, ListedImage
from images.storage import storage, storage_errors_as_api_error
from images.thumbnail_rules import key_of_thumbnail, sizes
from images.thumbnails.orphaned_files import delete_files_of_deleted_images
from images.uploads.accept import delete_stored_and_spooled, store_originals
from images.uploads.idempotency import KeyClaim
from images.uploads.multipart import SpooledFile
from images.uploads.validation import validate
from imaging import ImagingError, Probe
from imaging.process_pool import ProcessDied

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RenderedUpload:
    """An image whose row is committed as `processing` and whose thumbnails are stored."""

    claim: Claim
    outcome: Rendered


@contextmanager
def rendered_upload(file: SpooledFile, key: KeyClaim) -> Iterator[RenderedUpload]:
    """Store and render the spooled file, then run the block, which must call `complete`.

    Waits for a render slot and keeps it until the end of the block. Then the spool file is deleted. After a database
    error, it is unknown whether the row was committed. So the spool file is kept, and the sweeper later checks whether
    the row exists. If this raises ApiError, nothing of the upload is kept.
    """
    try:
        validated = validate([file])
        for _, error in validated.rejected:
            raise error
        # A request must not hold a database connection while it waits for a slot: a thousand requests may wait, but
        # PostgreSQL allows about a hundred connections.
        connection.close()
        with render_slot(settings.RENDER_SLOT_WAIT_SECONDS):
            upload = _store_and_render(*validated.accepted[0], key)
            try:
                yield upload
            except ApiError:
                delete_files_of_deleted_images(upload.outcome.thumbnails)
                raise
    except DatabaseError:
        raise
    except BaseException:
        file.delete()
        raise
    file.delete()


def complete(upload: RenderedUpload) -> ListedImage:
    """processing -> completed, within the caller's transaction. Returns the image with its thumbnails.

    Raises ApiError not_found if the image was meanwhile aborted, deleted, or taken over by another process.
    """
    completed = transitions.flush(upload.claim, [upload.outcome], renew=False)
    if not completed:
        raise ApiError("not_found", "The image was removed while it was processed.")
    return completed[0]


def _store_and_render(file: SpooledFile, header: Probe, key: KeyClaim) -> RenderedUpload:
    files = [(file, header)]
    images = store_originals(files, None)
    try:
        with stage("insert"), transaction.atomic():
            claim = transitions.insert_claimed(images[0])
            key.renew()
    except ApiError:
        delete_stored_and_spooled(files, images)
        raise
    publish_unfinished(claim.images)
    try:
        return RenderedUpload(claim, _render(file, claim.images[0]))
    except BaseException:
        delete_images(Image.objects.filter(id=file.id))
        raise


def _render(file: SpooledFile, image: ImageValues) -> Rendered:
    with _temporary_thumbnails(file) as targets, storage_errors_as_api_error():
        try:
            rendering = render_in_process_pool(
                file.path, sizes(), targets, settings.THUMBNAILS["QUALITY"], imaging_limits()
            )
        except ImagingError as error:
            # Logged here, because the decoding process writes no log. The first note of the exception is the decoder's
            # own error message.
            cause = getattr(error, "__notes__", [""])[0]
            logger.info("Image %s can't be rendered: %s; %s", image["id"], error.code, cause)
            raise ApiError(error.code, f"{file.name}: {error.message}") from error
        except ProcessDied as error:
            raise ApiError(
                "corrupt_image", f"{file.name} takes longer to decode than any sound image does."
            ) from error
        record_rendering(rendering.timings)
        with stage("store"):
            _store_thumbnails(image, targets)
    return rendered(image, rendering)


def _store_thumbnails(image: ImageValues, targets: Mapping[str, Path]) -> None:
    for label, path in targets.items():
        with path.open("rb") as file:
            storage().save(key_of_thumbnail(image["key"], sizes()[label]), File(file))


@contextmanager
def _temporary_thumbnails(spooled: SpooledFile) -> Iterator[dict[str, Path]]:
    """label -> path for each thumbnail, next to the spool file. The files are deleted at the end of the block."""
    targets = {label: spooled.path.with_name(f"{spooled.id}.{label}") for label in sizes()}
    try:
        yield targets
    finally:
        for path in targets.values():
            path.unlink(missing_ok=True)
