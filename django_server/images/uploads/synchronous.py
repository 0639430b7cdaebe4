"""The synchronous upload: one file, rendered before the answer; what cannot be rendered is not kept.

Goes through the same claim and flush as a worker: if this process dies, the sweeper finishes the image.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from images.deletion import remove_images
from images.errors import Refusal
from images.models import Image
from images.observability.timings import note_rendering, stage
from images.processing import transitions
from images.processing.announce import announce, announce_unfinished
from images.processing.outcomes import Rendered
from images.processing.render_image import rendered
from images.processing.transitions import Claim
from images.rendering.decode_pool import render_in_process_pool
from images.rendering.limit_settings import imaging_limits
from images.rendering.slots import render_slot
from images.rows import ImageValues, Listed
from images.storage import refusing_storage_errors, storage
from images.thumbnail_rules import key_of_thumbnail, sizes
from images.thumbnails.orphaned_files import delete_files_of_deleted_images
from images.uploads.accept import give_back, image_row, spread_uploaded_at, take_files
from images.uploads.idempotency import Answer, Hold
from images.uploads.multipart import SpooledFile
from images.uploads.validation import judge
from imaging import ImagingError, Probe
from imaging.process_pool import ProcessDied


def process_at_once(spooled: SpooledFile, hold: Hold, answered: Callable[[Listed], Answer]) -> Listed:
    """Take the one spooled file in and render it. Raises Refusal; then nothing is kept.

    `answered` makes the answer that `hold` remembers in the transaction that completes the image.
    """
    try:
        judged = judge([spooled])
        for _, refusal in judged.rejected:
            raise refusal
        # A thousand who wait for a slot hold no connection meanwhile: PostgreSQL has a hundred.
        connection.close()
        with render_slot(settings.RENDER_SLOT_WAIT_SECONDS):
            listed = _process(*judged.accepted[0], hold, answered)
    except DatabaseError:
        # Whether the row was committed only the sweeper can tell, later, by the spool file.
        raise
    except BaseException:
        spooled.discard()
        raise
    spooled.discard()
    return listed


def _process(spooled: SpooledFile, header: Probe, hold: Hold, answered: Callable[[Listed], Answer]) -> Listed:
    image = image_row(spooled, header, None)
    spread_uploaded_at([image], timezone.now())
    take_files([(spooled, header)], [image])
    try:
        with stage("insert"), transaction.atomic():
            claim = transitions.insert_claimed(image)
            hold.confirm()
    except Refusal:
        give_back([(spooled, header)], [image])
        raise
    announce_unfinished(claim.images)
    try:
        outcome = _render(spooled, claim.images[0])
    except BaseException:
        remove_images(Image.objects.filter(id=image.id))
        raise
    return _finish(claim, outcome, hold, answered)


def _finish(claim: Claim, outcome: Rendered, hold: Hold, answered: Callable[[Listed], Answer]) -> Listed:
    with stage("flush"), transaction.atomic():
        flushed = transitions.flush(claim, [outcome], renew=False)
        if flushed:
            hold.remember(answered(flushed[0]))
    if not flushed:
        # Aborted or deleted by somebody, or finished by a successor, while it was rendered here.
        delete_files_of_deleted_images(outcome.thumbnails)
        raise Refusal("not_found", "The image was removed while it was processed.")
    announce(flushed)
    return flushed[0]


def _render(spooled: SpooledFile, image: ImageValues) -> Rendered:
    with _spooled_thumbnails(spooled) as targets, refusing_storage_errors():
        try:
            rendering = render_in_process_pool(
                spooled.path, sizes(), targets, settings.THUMBNAILS["QUALITY"], imaging_limits()
            )
        except ImagingError as error:
            raise Refusal(error.code, f"{spooled.name}: {error.message}") from error
        except ProcessDied as error:
            raise Refusal(
                "corrupt_image", f"{spooled.name} takes longer to decode than any sound image does."
            ) from error
        note_rendering(rendering.timings)
        with stage("store"):
            _store(image, targets)
    return rendered(image, rendering)


def _store(image: ImageValues, targets: Mapping[str, Path]) -> None:
    for label, path in targets.items():
        with path.open("rb") as file:
            storage().save(key_of_thumbnail(image["key"], sizes()[label]), File(file))


@contextmanager
def _spooled_thumbnails(spooled: SpooledFile) -> Iterator[dict[str, Path]]:
    targets = {label: spooled.path.with_name(f"{spooled.id}.{label}") for label in sizes()}
    try:
        yield targets
    finally:
        for path in targets.values():
            path.unlink(missing_ok=True)
