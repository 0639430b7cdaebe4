"""Backfill: find the images with missing or stale thumbnails, and queue them for the workers at a bounded rate.

Called by `manage.py thumbnails`. Checking 1,000 images costs two SQL statements, and a third one with --force. At most
256 images of the backfill are in the queue at a time.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from images import celery_queue
from images.models import Image, Status, Thumbnail
from images.queries import thumbnails_of
from images.thumbnail_rules import missing_scales
from images.thumbnails.upsert import mark_stale

_PAGE_IMAGES = 1000
# Images per task. Four images of 24 megapixels take about a second: the longest time that an upload waits for a chunk.
_CHUNK_IMAGES = 4
# The largest number of chunks in the queue: a few seconds of work for 16 processes. With --force, only the 256 images
# of these chunks are stale at a time.
_MAX_QUEUED_CHUNKS = 64
_POLL_SECONDS = 0.2
# `on_stuck` is called if the queue has not become shorter for this long.
_STUCK_SECONDS = 30.0


class QueueUnavailable(Exception):
    """The queue is not reachable."""


@dataclass(frozen=True)
class Selection:
    """The images to check: of these collections (of all if empty), uploaded in this period.

    `limit`: the largest number of images to queue. `generated_before`: thumbnails generated before this time count as
    stale.
    """

    collections: Sequence[str] = ()
    uploaded_after: datetime | None = None
    uploaded_before: datetime | None = None
    limit: int | None = None
    generated_before: datetime | None = None

    def images(self) -> QuerySet[Image]:
        """The selected images that are completed and whose original is not missing. `processing` handles the others."""
        chosen = Q(status=Status.COMPLETED, original_missing=False)
        if self.collections:
            chosen &= Q(collection__in=self.collections)
        if self.uploaded_after:
            chosen &= Q(uploaded_at__gte=self.uploaded_after)
        if self.uploaded_before:
            chosen &= Q(uploaded_at__lt=self.uploaded_before)
        return Image.objects.filter(chosen)


@dataclass(frozen=True)
class Candidate:
    """An image with missing or stale thumbnails.

    `needs_own_task`: the image has a claim, and may have crashed the process that claimed it.
    """

    id: UUID
    needs_own_task: bool


def find_candidates(
    selection: Selection, progress: Callable[[int], object] = lambda _: None
) -> Iterator[Candidate]:
    """The selected images with missing or stale thumbnails.

    `progress` gets the number of images checked since its last call.
    """
    images = selection.images().order_by("id")
    remaining = selection.limit
    page: list[tuple[UUID, str, UUID | None]] = []
    while remaining is None or remaining > 0:
        later = images.filter(id__gt=page[-1][0]) if page else images
        page = list(later.values_list("id", "source_version", "thumbs_claim")[:_PAGE_IMAGES])
        candidates = _candidates_of(page, selection.generated_before)[:remaining]
        yield from candidates
        progress(len(page))
        if len(page) < _PAGE_IMAGES:
            return
        remaining = None if remaining is None else remaining - len(candidates)


def chunks(candidates: Iterable[Candidate]) -> Iterator[list[UUID]]:
    """The ids of the candidates, in chunks of four. A candidate with `needs_own_task` is a chunk of its own."""
    chunk: list[UUID] = []
    for candidate in candidates:
        if candidate.needs_own_task:
            yield [candidate.id]
            continue
        chunk.append(candidate.id)
        if len(chunk) == _CHUNK_IMAGES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def enqueue_chunks(
    chunked: Iterable[Sequence[UUID]],
    generated_before: datetime | None,
    on_queued: Callable[[int], object],
    on_stuck: Callable[[], object],
) -> None:
    """Queue the chunks as fast as the workers empty the queue. `on_queued` gets the number of images of each chunk.

    `on_stuck` is called if the workers have taken no chunk for 30 s. Raises QueueUnavailable.
    """
    for chunk in chunked:
        _wait_for_room(on_stuck)
        if generated_before is not None:
            mark_stale(chunk, generated_before)
        if not celery_queue.enqueue_thumbnails(chunk):
            raise QueueUnavailable
        on_queued(len(chunk))


def _candidates_of(
    page: Sequence[tuple[UUID, str, UUID | None]], generated_before: datetime | None
) -> list[Candidate]:
    ids = [id_ for id_, _, _ in page]
    thumbnails = thumbnails_of(ids)
    stale = _generated_before(ids, generated_before)
    return [
        Candidate(id_, needs_own_task=claim is not None)
        for id_, version, claim in page
        if id_ in stale or missing_scales(thumbnails.get(id_, {}), version)
    ]


def _generated_before(ids: Sequence[UUID], moment: datetime | None) -> set[UUID]:
    if moment is None:
        return set()
    older = Thumbnail.objects.filter(image_id__in=ids, generated_at__lt=moment)
    return set(older.values_list("image_id", flat=True))


def _wait_for_room(on_stuck: Callable[[], object]) -> None:
    shortest, shortest_since, reported = None, time.monotonic(), False
    while True:
        queued = celery_queue.bulk_queue_length()
        if queued is None:
            raise QueueUnavailable
        if queued < _MAX_QUEUED_CHUNKS:
            return
        if shortest is None or queued < shortest:
            shortest, shortest_since = queued, time.monotonic()
        elif not reported and time.monotonic() - shortest_since > _STUCK_SECONDS:
            on_stuck()
            reported = True
        time.sleep(_POLL_SECONDS)
