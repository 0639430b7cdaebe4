"""Generate the missing thumbnails of one completed image. Only one process at a time does this for an image.

Order: claim the image, read its rows again, read the original's version and then its bytes, render to temporary files.
Then one short transaction checks the claim, renames the files to their keys and writes the rows. The original is
decoded once for all missing labels. Called by the thumbnail endpoint (`generate_in_request`) and by the bulk task
(`generate_in_worker`). The settings COLD_… apply to thumbnails that are generated on request.

Docstrings give the number of SQL statements, which tests check.
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
from images.error_codes import ERRORS, ApiError
from images.models import Status
from images.observability.event_counters import THUMBNAIL_GENERATIONS
from images.observability.timings import StageTimes, format_stage_times, measure_stages, stage_time_fields
from images.queries import by_ids
from images.rendering.decode_pool import render_in_process_pool
from images.rendering.slots import render_slot
from images.row_values import ImageValues, ListedImage
from images.thumbnail_rules import key_of_thumbnail, missing_scales
from images.thumbnails import generation_claims
from images.thumbnails.render_and_store import Renderer, render_and_store
from images.thumbnails.single_flight import single_flight
from imaging.render_files import render_files

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.1

Occasion = Literal["request", "bulk"]


def generate_in_request(image_id: UUID) -> ListedImage:
    """Generate the image's missing thumbnails in a web process, where render slots limit the concurrent decodes.

    Returns the image with all its thumbnails. Raises ApiError: not_found, not_completed, overloaded,
    storage_unavailable, or the error code of an original that can't be rendered.
    """
    renderer = Renderer(render_in_process_pool, render_slot(settings.COLD_WAIT_SECONDS))
    with _counting_failures("request"):
        return single_flight(
            image_id, lambda: _generate(image_id, renderer, "request"), settings.COLD_WAIT_SECONDS
        )


def generate_in_worker(
    image_id: UUID, time_limit: Callable[[], AbstractContextManager[object]] = nullcontext
) -> ListedImage:
    """Generate the image's missing thumbnails in a worker, which decodes in its own process.

    `time_limit()` is a context manager that limits the time. Returns and raises the same as `generate_in_request`.
    """
    with _counting_failures("bulk"):
        return _generate(image_id, Renderer(render_files, time_limit()), "bulk")


def _generate(image_id: UUID, renderer: Renderer, occasion: Occasion) -> ListedImage:
    deadline = time.monotonic() + settings.COLD_WAIT_SECONDS
    while True:
        image, thumbnails = completed_image(image_id)
        if not missing_scales(thumbnails, image["source_version"]):
            return image, thumbnails
        _reject_unknown_prefix(image)
        token = generation_claims.acquire(image_id)
        if token is not None:
            break
        code = generation_claims.stored_error_code(image_id)
        if code:
            raise _error_of_code(code)
        if time.monotonic() >= deadline:
            raise ApiError("overloaded")
        _sleep_without_connection()
    try:
        # Read the rows again: the process that had the previous claim may have generated the thumbnails.
        with measure_stages() as stages:
            labels = render_and_store(token, *completed_image(image_id), renderer)
    except ApiError as error:
        _end_claim(token, image_id, error)
        raise
    except BaseException:
        generation_claims.release(token)
        raise
    if labels:
        _record(image_id, occasion, labels, stages)
    return completed_image(image_id)


def _record(image_id: UUID, occasion: Occasion, labels: Sequence[str], stages: StageTimes) -> None:
    THUMBNAIL_GENERATIONS.labels(occasion, "").inc()
    fields = {"job_id": str(image_id), "occasion": occasion, **stage_time_fields(stages)}
    logger.info(
        "Generated %s of %s: %s", ", ".join(labels), image_id, format_stage_times(stages), extra=fields
    )


@contextmanager
def _counting_failures(occasion: Occasion) -> Iterator[None]:
    """Count failed generations. `_record` counts the successful ones."""
    try:
        yield
    except ApiError as error:
        THUMBNAIL_GENERATIONS.labels(occasion, error.code).inc()
        raise


def completed_image(image_id: UUID) -> ListedImage:
    """The image with its thumbnail rows. Two SQL statements. Raises ApiError: not_found, not_completed."""
    for listed in by_ids([image_id]):
        status = listed[0]["status"]
        if status != Status.COMPLETED:
            raise ApiError("not_completed", status=status)
        return listed
    raise ApiError("not_found", "There is no image with this id.")


def _reject_unknown_prefix(image: ImageValues) -> None:
    """Raise ApiError if the image is stored under another KEY_PREFIX. Such an image has no thumbnails."""
    try:
        key_of_thumbnail(image["key"], 1)
    except InvalidKey as error:
        sentence = f"No thumbnails can be made of this image: its file is not below {settings.KEY_PREFIX}/."
        raise ApiError("not_found", sentence) from error


def _end_claim(token: UUID, image_id: UUID, error: ApiError) -> None:
    """End the claim. Store an error other than overloaded and not_completed, so that no process tries again soon."""
    if error.code in ("overloaded", "not_completed"):
        generation_claims.release(token)
        return
    logger.warning("Could not generate thumbnails of %s: %s", image_id, error)
    retry_after = error.kind.retry_after_seconds
    seconds = settings.COLD_FAILURE_SECONDS if retry_after is None else retry_after
    generation_claims.fail(token, error.code, seconds)


def _error_of_code(code: str) -> ApiError:
    """The ApiError for a stored error code. A 400 of an upload is a 422 here, because this request is correct."""
    error = ApiError(code)
    return error.with_status(422) if ERRORS[code].status == 400 else error


def _sleep_without_connection() -> None:
    connection.close()
    time.sleep(_POLL_SECONDS)
