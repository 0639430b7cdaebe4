"""What people do to many images: have them processed once more, or stopped. Each with all that follows from it.

`transitions` change the rows; here the queue and the listeners come to know. Called by the API, the admin and
`manage.py retry`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from images.models import Image, Status
from images.processing import transitions
from images.processing.announce import announce_ids
from images.processing.enqueue import enqueue

# One transaction locks, and one frame tells, so many.
AT_ONCE = 500


@dataclass(frozen=True)
class Failed:
    """Images that ended with an error, and fulfil all else that is given."""

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
        """How many there are of each error code. One statement."""
        found = self.images().order_by().values_list("error_code").annotate(number=Count("id"))
        return Counter(dict(found))


def retry(ids: Sequence[UUID]) -> int:
    """Process those that failed or were aborted once more. Returns how many those are."""
    changed = transitions.retry(ids)
    enqueue(changed, one_task_each=False)
    announce_ids(changed)
    return len(changed)


def abort(ids: Sequence[UUID]) -> int:
    """Stop those that are not finished. Returns how many those are."""
    changed = transitions.abort(ids)
    announce_ids(changed)
    return len(changed)


def retry_all(failed: Failed) -> Iterator[int]:
    """Retry all of them, each once, though it may fail again meanwhile; yields how many were, after each step."""
    in_order = failed.images().order_by("id").values_list("id", flat=True)
    page = list(in_order[:AT_ONCE])
    while page:
        yield retry(page)
        page = list(in_order.filter(id__gt=page[-1])[:AT_ONCE])
