"""The worker's loop over the images of one task.

It claims the images, renders them one by one, and writes several outcomes to the database at once (a *flush*). When the
worker is stopping, the loop *releases* the images whose processing has not started, and puts them back into the queue.
It works the same in a Celery process and in a test. A transaction contains SQL only; file access, Redis calls and
rendering happen outside it. Called by the tasks `images.process_image` and `images.process_chunk`.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError

from images.observability.timings import (
    StageTimes,
    format_stage_times,
    measure_stages,
    record_stage,
    stage,
    stage_time_fields,
)
from images.processing import transitions
from images.processing.enqueue_or_mark import enqueue_or_mark_unqueued
from images.processing.outcomes import Failed, Outcome, Postponed, Rendered
from images.processing.publish import publish_current_state, publish_images, publish_unfinished
from images.processing.render_image import render_image
from images.processing.transitions import Claim
from images.row_values import ImageValues, ListedImage
from images.thumbnails.orphaned_files import delete_files_of_deleted_images
from images.worker_stop_flag import worker_is_stopping

logger = logging.getLogger(__name__)

# Decoding this many pixels takes about half a second. Before such an image is decoded, the buffered outcomes are
# flushed and published, so that the clients waiting for those images get their results first.
_SLOW_PIXELS = 24_000_000

# Creates a context manager that limits the time of one render.
TimeLimit = Callable[[], AbstractContextManager[object]]


def process(ids: Sequence[UUID], time_limit: TimeLimit = nullcontext) -> None:
    """Process the pending images among `ids`. `time_limit()` is a context manager that limits the time of one render.

    Afterwards each of these images has a final status, or is `pending` again if the storage was unavailable or the
    worker was stopping. If rendering raises an unexpected exception, only that image gets the status `error`. If this
    function raises DatabaseError, some images are still claimed. The sweeper queues them after their lease has expired.
    """
    claim = transitions.claim(ids)
    _log_publishing_errors(lambda: publish_unfinished(claim.images))
    outcomes = _OutcomeBuffer(claim)
    for index, image in enumerate(claim.images):
        if worker_is_stopping():
            _release_and_enqueue(claim, [later["id"] for later in claim.images[index:]])
            break
        if _is_slow(image) or outcomes.lease_may_expire():
            outcomes.flush(renew=True)
        with measure_stages() as stages:
            record_stage("wait", claim.waited_seconds[image["id"]])
            outcome = _render(image, time_limit)
        if isinstance(outcome, Postponed):
            _postpone(claim, image["id"])
        else:
            outcomes.add(outcome, stages)
        if outcomes.is_due():
            outcomes.flush(renew=index + 1 < len(claim.images))
    outcomes.flush(renew=False)


def _render(image: ImageValues, time_limit: TimeLimit) -> Outcome | Postponed:
    """Render one image. Any exception becomes the outcome `processing_failed`, which is not retried automatically.

    Automatic retries are for images whose worker crashed before it wrote an outcome. After an exception, the same code
    would most likely raise again, each time after a whole lease. A user can still retry the image.
    """
    try:
        with time_limit():
            return render_image(image)
    except Exception:
        logger.exception("Image %s could not be processed because of an unexpected error.", image["id"])
        return _server_error(image["id"])


def _server_error(image_id: UUID) -> Failed:
    return Failed(image_id, "processing_failed", "The image could not be processed: an error of the server.")


class _OutcomeBuffer:
    """Outcomes of one claim that are not yet in the database."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._outcomes: list[Outcome] = []
        self._stages: dict[UUID, StageTimes] = {}
        self._first_added = 0.0
        self._lease_started = time.monotonic()

    def add(self, outcome: Outcome, stages: StageTimes) -> None:
        if not self._outcomes:
            self._first_added = time.monotonic()
        self._outcomes.append(outcome)
        self._stages[outcome.image_id] = stages

    def is_due(self) -> bool:
        waited_seconds = time.monotonic() - self._first_added
        return len(self._outcomes) >= settings.FLUSH_IMAGES or (
            bool(self._outcomes) and waited_seconds >= settings.FLUSH_SECONDS
        )

    def lease_may_expire(self) -> bool:
        """Whether the lease could expire during a render that takes the longest time allowed."""
        left_seconds = settings.LEASE_SECONDS - (time.monotonic() - self._lease_started)
        return left_seconds < settings.RENDER_SECONDS

    def flush(self, *, renew: bool) -> None:
        """Write the outcomes to the database and publish them. `renew`: images without an outcome get a new lease."""
        now = time.monotonic()
        if not self._outcomes:
            if renew:
                transitions.renew(self._claim)
                self._lease_started = now
            return
        with measure_stages() as flush_stages, stage("flush"):
            flushed = self._write(self._outcomes, renew=renew)
        if renew:
            self._lease_started = now
        written = {image["id"] for image, _ in flushed}
        # An outcome is not written if the claim on its image was lost, e.g. because the image was deleted during
        # rendering. The new thumbnail files of a deleted image must be deleted, too.
        delete_files_of_deleted_images(
            [
                thumbnail
                for outcome in self._outcomes
                if isinstance(outcome, Rendered) and outcome.image_id not in written
                for thumbnail in outcome.thumbnails
            ]
        )
        self._outcomes = []
        _log_publishing_errors(lambda: publish_images(flushed))
        for image, _ in flushed:
            _log(image, {**self._stages[image["id"]], **flush_stages})
        self._stages = {}

    def _write(self, outcomes: Sequence[Outcome], *, renew: bool) -> list[ListedImage]:
        """Write all outcomes in one transaction. If an error occurs, write each outcome in a transaction of its own.

        If an outcome also fails in its own transaction, `processing_failed` is written instead. If the database is
        unavailable, raises OperationalError or InterfaceError.
        """
        try:
            return transitions.flush(self._claim, outcomes, renew=renew)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            if len(outcomes) > 1:
                return [written for outcome in outcomes for written in self._write([outcome], renew=renew)]
            image_id = outcomes[0].image_id
            logger.exception("The outcome of image %s could not be written.", image_id)
            return transitions.flush(self._claim, [_server_error(image_id)], renew=renew)


def _log_publishing_errors(publish: Callable[[], None]) -> None:
    """Call `publish`, which publishes a committed change. DatabaseError is raised again; other exceptions are logged.

    The sweeper later publishes a change that could not be published. The loop does not retry it, because the other
    images of the claim must not wait.
    """
    try:
        publish()
    except DatabaseError:
        raise
    except Exception:
        logger.exception("A change could not be published. The sweeper will publish it.")


def _is_slow(image: ImageValues) -> bool:
    return (image["width"] or 0) * (image["height"] or 0) >= _SLOW_PIXELS


def _log(image: ImageValues, stages: StageTimes) -> None:
    """Write the log line of an image. The `flush` time is that of the whole flush, which wrote several images."""
    logger.info(
        "Image %s %s%s: %s",
        image["id"],
        image["status"],
        f" ({image['error_code']})" if image["error_code"] else "",
        format_stage_times(stages),
        extra={
            "job_id": str(image["id"]),
            "batch_id": str(image["batch_id"]) if image["batch_id"] else None,
            "status": str(image["status"]),
            "code": image["error_code"],
            **stage_time_fields(stages),
        },
    )


def _release_and_enqueue(claim: Claim, ids: Sequence[UUID]) -> None:
    """Release the images whose processing has not started, queue them, and publish that they are pending again."""
    released = transitions.release(claim, ids)
    enqueue_or_mark_unqueued(released, one_task_each=False)
    publish_current_state(released)


def _postpone(claim: Claim, image_id: UUID) -> None:
    """Release an image whose storage was unavailable, and publish that it is pending again. The sweeper queues it."""
    released = transitions.release(claim, [image_id], postpone=True)
    _log_publishing_errors(lambda: publish_current_state(released))
