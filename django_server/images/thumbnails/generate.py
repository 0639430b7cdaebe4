"""Making the thumbnails that an image lacks: whatever starts it, once for all processes, and never stale.

In order: claim, look again, read the original's version, read its bytes, render to temporary files; then one short
transaction that checks the claim, renames the files into place and writes the rows. One decode makes every missing
label. Called by the page's cold pictures (`ensure_now`) and by the bulk task (`ensure_in_worker`).
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Literal
from uuid import UUID

from django.conf import settings
from django.db import connection

from filestore.keys import InvalidKey
from images.errors import ERRORS, Refusal
from images.models import Status
from images.observability.metrics import THUMBNAIL_GENERATIONS
from images.observability.timings import Milliseconds, as_fields, in_words, measured
from images.queries import by_ids
from images.rendering.decode_pool import render_apart
from images.rendering.slots import render_slot
from images.rows import ImageValues, Listed
from images.thumbnail_rules import key_of_thumbnail, missing_scales
from images.thumbnails import claims
from images.thumbnails.render_and_store import Means, make
from images.thumbnails.single_flight import one_flight
from imaging.render_files import render_files

logger = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 0.1

Occasion = Literal["cold", "bulk"]


def ensure_now(image_id: UUID) -> Listed:
    """The image with every thumbnail valid, made here if need be, in a web process: slots bound how many decode.

    Raises Refusal: not_found, not_completed, overloaded, storage_unavailable, or why the original can't be rendered.
    """
    means = Means(render_apart, render_slot(settings.COLD_WAIT_SECONDS))
    with _counted("cold"):
        return one_flight(image_id, lambda: _ensure(image_id, means, "cold"), settings.COLD_WAIT_SECONDS)


def ensure_in_worker(
    image_id: UUID, guard: Callable[[], AbstractContextManager[object]] = nullcontext
) -> Listed:
    """The same in a worker, which decodes by itself; `guard` bounds its time. Raises as `ensure_now`."""
    with _counted("bulk"):
        return _ensure(image_id, Means(render_files, guard()), "bulk")


def _ensure(image_id: UUID, means: Means, occasion: Occasion) -> Listed:
    deadline = time.monotonic() + settings.COLD_WAIT_SECONDS
    while True:
        image, thumbnails = completed_image(image_id)
        if not missing_scales(thumbnails, image["source_version"]):
            return image, thumbnails
        _refuse_what_has_no_place(image)
        token = claims.take(image_id)
        if token is not None:
            break
        code = claims.remembered_failure(image_id)
        if code:
            raise _refused(code)
        if time.monotonic() >= deadline:
            raise Refusal("overloaded")
        _sleep_without_connection()
    try:
        # Looked at again, under the claim: who held it before may have made them.
        with measured() as stages:
            labels = make(token, *completed_image(image_id), means)
    except Refusal as refusal:
        _give_up(token, image_id, refusal)
        raise
    except BaseException:
        claims.release(token)
        raise
    if labels:
        _tell(image_id, occasion, labels, stages)
    return completed_image(image_id)


def _tell(image_id: UUID, occasion: Occasion, labels: Sequence[str], stages: Milliseconds) -> None:
    THUMBNAIL_GENERATIONS.labels(occasion, "").inc()
    fields = {"job_id": str(image_id), "occasion": occasion, **as_fields(stages)}
    logger.info("Made %s of %s: %s", ", ".join(labels), image_id, in_words(stages), extra=fields)


@contextmanager
def _counted(occasion: Occasion) -> Iterator[None]:
    """Counts those who wanted thumbnails and got none. Whoever made some has counted that."""
    try:
        yield
    except Refusal as refusal:
        THUMBNAIL_GENERATIONS.labels(occasion, refusal.code).inc()
        raise


def completed_image(image_id: UUID) -> Listed:
    """The image with its thumbnails as they are. Raises Refusal: not_found, not_completed. Two statements."""
    for listed in by_ids([image_id]):
        status = listed[0]["status"]
        if status != Status.COMPLETED:
            raise Refusal("not_completed", status=status)
        return listed
    raise Refusal("not_found", "There is no image with this id.")


def _refuse_what_has_no_place(image: ImageValues) -> None:
    """An image that was stored under another KEY_PREFIX than today's can be shown, but gets no thumbnails."""
    try:
        key_of_thumbnail(image["key"], 1)
    except InvalidKey as error:
        sentence = f"No thumbnails can be made of this image: its file is not below {settings.KEY_PREFIX}/."
        raise Refusal("not_found", sentence) from error


def _give_up(token: UUID, image_id: UUID, refusal: Refusal) -> None:
    if refusal.code in ("overloaded", "not_completed"):
        claims.release(token)
        return
    logger.warning("No thumbnails could be made of %s: %s", image_id, refusal)
    after = refusal.kind.retry_after_seconds
    claims.fail(token, refusal.code, settings.COLD_FAILURE_SECONDS if after is None else after)


def _refused(code: str) -> Refusal:
    refusal = Refusal(code)
    return refusal.with_status(422) if ERRORS[code].status == 400 else refusal


def _sleep_without_connection() -> None:
    connection.close()
    time.sleep(_LOOK_EVERY_SECONDS)
