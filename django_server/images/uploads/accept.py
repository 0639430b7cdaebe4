"""Taking judged files in: linked to their keys, then one transaction of rows, and after it the queue.

A crash at any point leaves either the rows with their files, or a spool file by which the sweeper cleans up.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from filestore.keys import upload_key
from images.errors import Refusal
from images.models import Batch, Image
from images.observability.timings import stage
from images.processing import transitions
from images.processing.announce import announce_unfinished
from images.processing.enqueue import enqueue
from images.rows import Listed
from images.storage import refusing_storage_errors, storage
from images.uploads.multipart import SpooledFile
from imaging import Probe

logger = logging.getLogger(__name__)

Accepted = Sequence[tuple[SpooledFile, Probe]]


def accept(
    files: Accepted,
    batch_id: UUID,
    *,
    one_task_each: bool,
    with_rows: Callable[[list[Listed]], None] = lambda _: None,
) -> list[Listed]:
    """Take the files in as pending images of the batch, which is made if there is none; queue and announce them.

    Three statements on PostgreSQL, however many files. `with_rows` gets the images within the rows' transaction.
    Raises Refusal storage_unavailable, or one of `with_rows`; then nothing is kept.
    """
    images = [image_row(file, header, batch_id) for file, header in files]
    spread_uploaded_at(images, timezone.now())
    take_files(files, images)
    values = [transitions.new_values(image) for image in images]
    listed: list[Listed] = [(image, {}) for image in values]

    def insert() -> None:
        with stage("insert"), transaction.atomic():
            Batch.objects.bulk_create([Batch(id=batch_id)], ignore_conflicts=True)
            Image.objects.bulk_create(images)
            with_rows(listed)

    try:
        # Where this fails the spool files stay: whether the commit went through only the sweeper can tell, later.
        try:
            insert()
        except IntegrityError:
            # Its batch, empty until now, was deleted between the two statements: the second time it is made anew.
            insert()
    except Refusal:
        give_back(files, images)
        raise
    discard_spooled(files)
    queued = False
    try:
        with stage("queue"):
            queued = enqueue([image.id for image in images], one_task_each=one_task_each)
    except DatabaseError as error:
        # They are accepted, even when it can't be noted that they did not get into the queue.
        logger.warning("%d images wait for the sweeper: %s", len(images), type(error).__name__)
    # Both are one Redis: asking it again when it has just not answered takes more than the second promised.
    if queued:
        announce_unfinished(values)
    return listed


def image_row(file: SpooledFile, header: Probe, batch_id: UUID | None) -> Image:
    """The row of one file, not yet saved."""
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


def spread_uploaded_at(images: Sequence[Image], now: datetime) -> None:
    """Give each image a moment of its own, a microsecond apart, so that order and cursors are total."""
    for index, image in enumerate(images):
        image.uploaded_at = now + timedelta(microseconds=index)
        image.queued_at = now


def take_files(files: Accepted, images: Sequence[Image]) -> None:
    """Link each spooled file to its key. After a failure neither keys nor spool files are left."""
    try:
        with stage("store"), refusing_storage_errors():
            storage().store_spooled(
                [(file.path, image.key) for (file, _), image in zip(files, images, strict=True)]
            )
    except BaseException:
        give_back(files, images)
        raise


def give_back(files: Accepted, images: Sequence[Image]) -> None:
    """Remove what was linked, and the spool files."""
    for (file, _), image in zip(files, images, strict=True):
        # A key that can't be removed now keeps its spool file, by which the sweeper removes both.
        with suppress(OSError):
            storage().delete(image.key)
            file.discard()


def discard_spooled(files: Accepted) -> None:
    """Remove the spool files: their content is at their keys, or refused."""
    for file, _ in files:
        file.discard()
