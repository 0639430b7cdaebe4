"""Store validated files as pending images, commit their rows, then queue them and publish their state.

Each file is stored under its *key*, its final path in the storage: by a hard link, or by an upload to S3. The upload
routes call `store_originals`, `insert_rows` and `queue_and_publish` in this order. After a crash at any point,
either the rows and the stored files exist, or the spool files still exist. From the names of the spool files, the
sweeper derives which stored files to delete.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction
from django.http import HttpResponse
from django.utils import timezone

from filestore.keys import upload_key
from images.error_codes import ApiError
from images.models import Batch, Image
from images.observability.timings import stage
from images.processing.enqueue_or_mark import enqueue_or_mark_unqueued
from images.processing.publish import publish_unfinished
from images.row_values import ImageValues
from images.storage import storage, storage_errors_as_api_error
from images.uploads.idempotency import KeyClaim
from images.uploads.multipart import SpooledFile
from imaging import Probe

logger = logging.getLogger(__name__)

ValidFiles = Sequence[tuple[SpooledFile, Probe]]


def store_originals(files: ValidFiles, batch_id: UUID | None) -> list[Image]:
    """Store each spooled file under its key. Returns the rows, not yet inserted.

    After a failure, the stored files and the spool files are deleted. Raises ApiError storage_unavailable.
    """
    images = [image_row(file, header, batch_id) for file, header in files]
    set_upload_times(images, timezone.now())
    store_spooled_files(files, images)
    return images


def insert_rows(
    files: ValidFiles, images: Sequence[Image], batch_id: UUID, claim: KeyClaim, response: HttpResponse
) -> None:
    """In one transaction, insert the rows of the images and store the response for the request's Idempotency-Key.

    The batch is inserted, too, if it does not exist. Runs three SQL statements for any number of files, or two without
    an Idempotency-Key. If a repeated request has taken over the Idempotency-Key, deletes the stored files and the spool
    files and raises ApiError request_in_progress. After any other failure, it is unknown whether the transaction was
    committed. So the spool files are kept, and the sweeper later checks whether the rows exist.
    """
    try:
        try:
            _insert_rows(images, batch_id, claim, response)
        except IntegrityError:
            # The batch existed but was still empty, and another process deleted it between the two inserts. Insert the
            # batch again.
            _insert_rows(images, batch_id, claim, response)
    except ApiError:
        delete_stored_and_spooled(files, images)
        raise
    delete_spool_files(files)


def _insert_rows(images: Sequence[Image], batch_id: UUID, claim: KeyClaim, response: HttpResponse) -> None:
    with stage("insert"), transaction.atomic():
        Batch.objects.bulk_create([Batch(id=batch_id)], ignore_conflicts=True)
        Image.objects.bulk_create(images)
        claim.complete(response)


def queue_and_publish(images: Sequence[ImageValues], *, one_task_each: bool) -> None:
    """Queue the committed images and publish their state. If one of these fails, the sweeper does it later."""
    all_queued = False
    try:
        with stage("queue"):
            all_queued = enqueue_or_mark_unqueued(
                [image["id"] for image in images], one_task_each=one_task_each
            )
    except DatabaseError as error:
        # The queue is unavailable, and the rows could not be marked as not queued. The images stay accepted.
        logger.warning(
            "%d images could not be queued; the sweeper will queue them: %s",
            len(images),
            type(error).__name__,
        )
    # The queue and the channel layer use the same Redis. If queueing failed, publishing would wait for Redis again, and
    # the response would take more than one second.
    if all_queued:
        publish_unfinished(images)


def image_row(file: SpooledFile, header: Probe, batch_id: UUID | None) -> Image:
    """The row of one file, not yet inserted."""
    key = upload_key(settings.KEY_PREFIX, settings.UPLOADS_COLLECTION, str(file.id), header.extension)
    return Image(
        id=file.id,
        batch_id=batch_id,
        collection=settings.UPLOADS_COLLECTION,
        name=file.name,
        key=str(key),
        byte_size=file.byte_size,
        media_type=header.media_type,
        width=header.width,
        height=header.height,
        source_version=file.sha256,
    )


def set_upload_times(images: Sequence[Image], now: datetime) -> None:
    """Set distinct upload times, a microsecond apart, so that no two images have the same place in lists."""
    for index, image in enumerate(images):
        image.uploaded_at = now + timedelta(microseconds=index)
        image.queued_at = now


def store_spooled_files(files: ValidFiles, images: Sequence[Image]) -> None:
    """Store each spooled file under its key. After a failure, delete the stored files and the spool files."""
    try:
        with stage("store"), storage_errors_as_api_error():
            storage().store_spooled(
                [(file.path, image.key) for (file, _), image in zip(files, images, strict=True)]
            )
    except BaseException:
        delete_stored_and_spooled(files, images)
        raise


def delete_stored_and_spooled(files: ValidFiles, images: Sequence[Image]) -> None:
    """Delete each stored file, and then its spool file."""
    for (file, _), image in zip(files, images, strict=True):
        # If the stored file can't be deleted now, keep the spool file: the sweeper then deletes both.
        with suppress(OSError):
            storage().delete(image.key)
            file.delete()


def delete_spool_files(files: ValidFiles) -> None:
    """Delete the spool files of stored images."""
    for file, _ in files:
        file.delete()
