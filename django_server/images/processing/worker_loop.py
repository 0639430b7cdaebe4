"""The worker's loop over the images of one task: claim, render each, flush often, hand back when the worker stops.

Runs the same in a Celery process and in a test. Inside a transaction it touches nothing but the database. Called by
the tasks `images.process_image` and `images.process_chunk`.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError

from images.observability.timings import Milliseconds, as_fields, in_words, measured, note_stage, stage
from images.processing import transitions
from images.processing.announce import announce, announce_ids, announce_unfinished
from images.processing.enqueue import enqueue
from images.processing.outcomes import Failed, Outcome, Postponed, Rendered
from images.processing.render_image import render_image
from images.processing.transitions import Claim
from images.row_values import ImageValues, Listed
from images.thumbnails.orphaned_files import delete_files_of_deleted_images
from images.worker_draining import draining

logger = logging.getLogger(__name__)

# About half a second of decoding: finished images are flushed and published before such an image, not after it.
_SLOW_PIXELS = 24_000_000

Guard = Callable[[], AbstractContextManager[object]]


def process(ids: Sequence[UUID], guard: Guard = nullcontext) -> None:
    """Process the pending images among `ids` until each is final. `guard` surrounds each render, to bound its time.

    An unexpected exception ends its own image alone. Raises DatabaseError: the claimed images then wait for their
    lease to end.
    """
    claim = transitions.claim(ids)
    _publish(lambda: announce_unfinished(claim.images))
    unflushed = _Unflushed(claim)
    for place, image in enumerate(claim.images):
        if draining():
            _hand_back(claim, [later["id"] for later in claim.images[place:]])
            break
        if _is_slow(image) or unflushed.lease_is_short():
            unflushed.flush(renew=True)
        with measured() as stages:
            note_stage("wait", claim.waited_seconds[image["id"]])
            outcome = _render(image, guard)
        if isinstance(outcome, Postponed):
            postponed = transitions.hand_back(claim, [image["id"]], postpone=True)
            _publish(lambda ids=postponed: announce_ids(ids))  # type: ignore[misc]  # mypy infers no default's type
        else:
            unflushed.add(outcome, stages)
        if unflushed.is_due():
            unflushed.flush(renew=place + 1 < len(claim.images))
    unflushed.flush(renew=False)


def _render(image: ImageValues, guard: Guard) -> Outcome | Postponed:
    """The boundary of one image.

    An exception is final, as `processing_failed`, and not left to further attempts: those are for a worker that is
    gone and could not say why. The same code would most likely raise the same again, after a lease each time; a
    person can still retry the image.
    """
    try:
        with guard():
            return render_image(image)
    except Exception:
        logger.exception("Image %s could not be processed: an error of the server.", image["id"])
        return _server_error(image["id"])


def _server_error(image_id: UUID) -> Failed:
    return Failed(image_id, "processing_failed", "The image could not be processed: an error of the server.")


class _Unflushed:
    """Outcomes of one claim that are not yet in the database."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._outcomes: list[Outcome] = []
        self._stages: dict[UUID, Milliseconds] = {}
        self._since = 0.0
        self._renewed = time.monotonic()

    def add(self, outcome: Outcome, stages: Milliseconds) -> None:
        if not self._outcomes:
            self._since = time.monotonic()
        self._outcomes.append(outcome)
        self._stages[outcome.image_id] = stages

    def is_due(self) -> bool:
        waited_seconds = time.monotonic() - self._since
        return len(self._outcomes) >= settings.FLUSH_IMAGES or (
            bool(self._outcomes) and waited_seconds >= settings.FLUSH_SECONDS
        )

    def lease_is_short(self) -> bool:
        """Whether the lease could end during a render that takes the longest time allowed."""
        left_seconds = settings.LEASE_SECONDS - (time.monotonic() - self._renewed)
        return left_seconds < settings.RENDER_SECONDS

    def flush(self, *, renew: bool) -> None:
        """Write the outcomes to the database and publish them. With `renew` the rest of the claim gets a new lease."""
        renewed = time.monotonic()
        if not self._outcomes:
            if renew:
                transitions.renew(self._claim)
                self._renewed = renewed
            return
        with measured() as shared, stage("flush"):
            flushed = self._write(self._outcomes, renew=renew)
        if renew:
            self._renewed = renewed
        written = {image["id"] for image, _ in flushed}
        delete_files_of_deleted_images(
            [
                row
                for outcome in self._outcomes
                if isinstance(outcome, Rendered) and outcome.image_id not in written
                for row in outcome.thumbnails
            ]
        )
        self._outcomes = []
        _publish(lambda: announce(flushed))
        for image, _ in flushed:
            _log(image, {**self._stages[image["id"]], **shared})
        self._stages = {}

    def _write(self, outcomes: Sequence[Outcome], *, renew: bool) -> list[Listed]:
        """One transaction for all. If an outcome can't be written, one for each, and that image has failed."""
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


def _publish(announcement: Callable[[], None]) -> None:
    """Publish what is committed. If that fails the sweeper repeats it: the images in hand must not wait for it."""
    try:
        announcement()
    except DatabaseError:
        raise
    except Exception:
        logger.exception("A change could not be published.")


def _is_slow(image: ImageValues) -> bool:
    return (image["width"] or 0) * (image["height"] or 0) >= _SLOW_PIXELS


def _log(image: ImageValues, stages: Milliseconds) -> None:
    """The one log line of an image. Its flush was shared with other images."""
    logger.info(
        "Image %s %s%s: %s",
        image["id"],
        image["status"],
        f" ({image['error_code']})" if image["error_code"] else "",
        in_words(stages),
        extra={
            "job_id": str(image["id"]),
            "batch_id": str(image["batch_id"]) if image["batch_id"] else None,
            "status": str(image["status"]),
            "code": image["error_code"],
            **as_fields(stages),
        },
    )


def _hand_back(claim: Claim, ids: Sequence[UUID]) -> None:
    handed_back = transitions.hand_back(claim, ids)
    enqueue(handed_back, one_task_each=False)
    announce_ids(handed_back)
