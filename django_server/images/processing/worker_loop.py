"""The worker's loop over the images of one task: claim, render each, flush often, hand back when told to stop.

Runs the same in a Celery child and in a test; nothing but the database is touched inside a transaction.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from uuid import UUID

from django.conf import settings

from images.draining import draining
from images.observability.timings import Milliseconds, as_fields, in_words, measured, note_stage, stage
from images.processing import transitions
from images.processing.announce import announce, announce_ids, announce_unfinished
from images.processing.enqueue import enqueue
from images.processing.outcomes import Outcome, Postponed, Rendered
from images.processing.render_image import render_image
from images.processing.transitions import Claim
from images.rows import ImageValues
from images.thumbnails.orphaned_files import delete_files_of_deleted_images

logger = logging.getLogger(__name__)

# About half a second of decoding: what is finished is told before such an image, not after it.
_SLOW_PIXELS = 24_000_000

Guard = Callable[[], AbstractContextManager[object]]


def process(ids: Sequence[UUID], guard: Guard = nullcontext) -> None:
    """Bring those of `ids` that wait to their end. `guard` surrounds each render (a worker bounds its time)."""
    claim = transitions.claim(ids)
    announce_unfinished(claim.images)
    unflushed = _Unflushed(claim)
    for place, image in enumerate(claim.images):
        if draining():
            _hand_back(claim, [later["id"] for later in claim.images[place:]])
            break
        if _is_slow(image):
            unflushed.flush(renew=True)
        with measured() as stages:
            note_stage("wait", claim.waited_seconds[image["id"]])
            with guard():
                outcome = render_image(image)
        if isinstance(outcome, Postponed):
            announce_ids(transitions.hand_back(claim, [image["id"]], postpone=True))
        else:
            unflushed.add(outcome, stages)
        if unflushed.is_due():
            unflushed.flush(renew=place + 1 < len(claim.images))
    unflushed.flush(renew=False)


class _Unflushed:
    """Outcomes of one claim that the database does not know yet."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._outcomes: list[Outcome] = []
        self._stages: dict[UUID, Milliseconds] = {}
        self._since = 0.0

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

    def flush(self, *, renew: bool) -> None:
        if not self._outcomes:
            return
        with measured() as shared, stage("flush"):
            flushed = transitions.flush(self._claim, self._outcomes, renew=renew)
        told = {image["id"] for image, _ in flushed}
        delete_files_of_deleted_images(
            [
                row
                for outcome in self._outcomes
                if isinstance(outcome, Rendered) and outcome.image_id not in told
                for row in outcome.thumbnails
            ]
        )
        self._outcomes = []
        announce(flushed)
        for image, _ in flushed:
            _log(image, {**self._stages[image["id"]], **shared})
        self._stages = {}


def _is_slow(image: ImageValues) -> bool:
    return (image["width"] or 0) * (image["height"] or 0) >= _SLOW_PIXELS


def _log(image: ImageValues, stages: Milliseconds) -> None:
    """The one line of an image. Its flush was shared with others."""
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
    given_back = transitions.hand_back(claim, ids)
    enqueue(given_back, one_task_each=False)
    announce_ids(given_back)
