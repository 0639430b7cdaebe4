"""Retry or abort many images: change their rows with `transitions`, then queue the images and publish the changes.

Called by the API, the admin and `manage.py retry`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from images.models import Image, Status
from images.processing import transitions
from images.processing.enqueue_or_mark import enqueue_or_mark_unqueued
from images.processing.publish import publish_current_state

# Number of images in one transaction and in one published message.
STEP_IMAGES = 500


@dataclass(frozen=True)
class FailedImages:
    """Selects images with status `error`. A condition that is None selects all."""

    code: str | None = None
    batch_id: UUID | None = None
    collection: str | None = None
    uploaded_since: datetime | None = None

    def images(self) -> QuerySet[Image]:
        chosen = Q(status=Status.ERROR)
        if self.code is not None:
            chosen &= Q(error_code=self.code)
        if self.batch_id is not None:
            chosen &= Q(batch_id=self.batch_id)
        if self.collection is not None:
            chosen &= Q(collection=self.collection)
        if self.uploaded_since is not None:
            chosen &= Q(uploaded_at__gte=self.uploaded_since)
        return Image.objects.filter(chosen)

    def count_by_code(self) -> Counter[str]:
        """The number of images for each error code. Runs one SQL statement."""
        counts = self.images().order_by().values_list("error_code").annotate(number=Count("id"))
        return Counter(dict(counts))


def retry(ids: Sequence[UUID]) -> int:
    """Process the failed and aborted images among `ids` again. Returns the number of these images."""
    changed = transitions.retry(ids)
    enqueue_or_mark_unqueued(changed, one_task_each=False)
    publish_current_state(changed)
    return len(changed)


def abort(ids: Sequence[UUID]) -> int:
    """Abort the pending and processing images among `ids`. Returns the number of aborted images."""
    changed = transitions.abort(ids)
    publish_current_state(changed)
    return len(changed)


def retry_all(failed: FailedImages) -> Iterator[int]:
    """Retry all selected images in steps. Yields the number of images in each step.

    Each image is retried once, even if it fails again while later steps run.
    """
    in_order = failed.images().order_by("id").values_list("id", flat=True)
    page = list(in_order[:STEP_IMAGES])
    while page:
        yield retry(page)
        page = list(in_order.filter(id__gt=page[-1])[:STEP_IMAGES])
