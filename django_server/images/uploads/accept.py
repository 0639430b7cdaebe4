"""Store validated files as pending images: link each file to its key, commit the rows, then queue and announce them.

The upload routes call `store_originals`, `insert_rows` and `queue_and_announce` in this order. A crash at any point
leaves either the rows with their files, or a spool file by which the sweeper deletes what was stored.
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
from images.errors import Refusal
from images.models import Batch, Image
from images.observability.timings import stage
from images.processing.announce import announce_unfinished
from images.processing.enqueue import enqueue
from images.row_values import ImageValues
from images.storage import refusing_storage_errors, storage
from images.uploads.idempotency import KeyClaim
from images.uploads.multipart import SpooledFile
from imaging import Probe

logger = logging.getLogger(__name__)

ValidFiles = Sequence[tuple[SpooledFile, Probe]]


def store_originals(files: ValidFiles, batch_id: UUID | None) -> list[Image]:
    """Link each spooled file to its key. Returns the rows, not yet inserted.

    Raises Refusal storage_unavailable; then neither the keys nor the spool files are left.
    """
    images = [image_row(file, header, batch_id) for file, header in files]
    set_upload_times(images, timezone.now())
    link_files(files, images)
    return images


def insert_rows(
    files: ValidFiles, images: Sequence[Image], batch_id: UUID, claim: KeyClaim, response: HttpResponse
) -> None:
    """Commit the rows of the batch and of its images, and the response under the request's key, in one transaction.

    Three statements, two without a key, however many files. The batch is inserted if it does not exist.
    Raises Refusal request_in_progress when a repeat has taken over the key; then neither the keys nor the spool files
    are left. After any other failure the spool files stay: only the sweeper can find out, later, whether the
    transaction was committed.
    """
    try:
        try:
            _insert_rows(images, batch_id, claim, response)
        except IntegrityError:
            # The batch was empty and was deleted between the two statements. The second time it is inserted again.
            _insert_rows(images, batch_id, claim, response)
    except Refusal:
        delete_stored(files, images)
        raise
    discard_spooled(files)


def _insert_rows(images: Sequence[Image], batch_id: UUID, claim: KeyClaim, response: HttpResponse) -> None:
    with stage("insert"), transaction.atomic():
        Batch.objects.bulk_create([Batch(id=batch_id)], ignore_conflicts=True)
        Image.objects.bulk_create(images)
        claim.complete(response)


def queue_and_announce(images: Sequence[ImageValues], *, one_task_each: bool) -> None:
    """Queue the committed images and publish their state. What fails here is repeated by the sweeper."""
    queued = False
    try:
        with stage("queue"):
            queued = enqueue([image["id"] for image in images], one_task_each=one_task_each)
    except DatabaseError as error:
        # The queue was unavailable, and so was the database that should record it. The images stay accepted.
        logger.warning("%d images wait for the sweeper: %s", len(images), type(error).__name__)
    # Queue and channel layer are one Redis: a second wait for it would exceed the response time of one second.
    if queued:
        announce_unfinished(images)


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
    """Set distinct upload times, a microsecond apart, so that the order of the list and its cursors is total."""
    for index, image in enumerate(images):
        image.uploaded_at = now + timedelta(microseconds=index)
        image.queued_at = now


def link_files(files: ValidFiles, images: Sequence[Image]) -> None:
    """Link each spooled file to its key. After a failure neither the keys nor the spool files are left."""
    try:
        with stage("store"), refusing_storage_errors():
            storage().store_spooled(
                [(file.path, image.key) for (file, _), image in zip(files, images, strict=True)]
            )
    except BaseException:
        delete_stored(files, images)
        raise


def delete_stored(files: ValidFiles, images: Sequence[Image]) -> None:
    """Delete the linked keys, and then the spool files."""
    for (file, _), image in zip(files, images, strict=True):
        # If the key can't be deleted now, the spool file stays: by it the sweeper deletes both.
        with suppress(OSError):
            storage().delete(image.key)
            file.discard()


def discard_spooled(files: ValidFiles) -> None:
    """Delete the spool files of stored images."""
    for file, _ in files:
        file.discard()
