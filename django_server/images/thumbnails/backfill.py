"""Having the thumbnails that images lack made by the workers, as many images as there are: which, and how fast.

Called by `manage.py thumbnails`. Two statements a thousand images; the queue never holds more than a few hundred.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from images import queue
from images.models import Image, Status, Thumbnail
from images.queries import thumbnails_of
from images.thumbnail_rules import missing_scales
from images.thumbnails.upsert import outdate_thumbnails

_PAGE_IMAGES = 1000
# Four images of 24 megapixels take about a second: so long may an upload wait behind a chunk.
_CHUNK_IMAGES = 4
# Enough for sixteen processes to have work for seconds; 256 images are cold at most when all are made anew.
_MOST_CHUNKS_WAITING = 64
_LOOK_EVERY_SECONDS = 0.2
_STUCK_SECONDS = 30.0


class QueueAway(Exception):
    """The queue does not answer."""


@dataclass(frozen=True)
class Selection:
    """Which images: of these collections (all, if none is named), uploaded within, at most so many that lack one.

    `made_before`: thumbnails older than that count as missing, valid or not.
    """

    collections: Sequence[str] = ()
    uploaded_after: datetime | None = None
    uploaded_before: datetime | None = None
    most: int | None = None
    made_before: datetime | None = None

    def images(self) -> QuerySet[Image]:
        """Completed ones alone: the others get theirs from their processing. Without an original there is no way."""
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
    """An image that lacks thumbnails. `alone`: somebody claimed it and has not finished, or died of it."""

    id: UUID
    alone: bool


def lacking(selection: Selection, progress: Callable[[int], object] = lambda _: None) -> Iterator[Candidate]:
    """The selected images that lack a thumbnail. `progress` is told how many were looked at since the last time."""
    images = selection.images().order_by("id")
    left = selection.most
    page: list[tuple[UUID, str, UUID | None]] = []
    while left is None or left > 0:
        later = images.filter(id__gt=page[-1][0]) if page else images
        page = list(later.values_list("id", "source_version", "thumbs_claim")[:_PAGE_IMAGES])
        found = _lacking_of(page, selection.made_before)[:left]
        yield from found
        progress(len(page))
        if len(page) < _PAGE_IMAGES:
            return
        left = None if left is None else left - len(found)


def chunks(candidates: Iterable[Candidate]) -> Iterator[list[UUID]]:
    """Candidates by fours. One that may have killed its maker is a chunk of its own: it has no neighbours to harm."""
    chunk: list[UUID] = []
    for candidate in candidates:
        if candidate.alone:
            yield [candidate.id]
            continue
        chunk.append(candidate.id)
        if len(chunk) == _CHUNK_IMAGES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def feed(
    pieces: Iterable[Sequence[UUID]],
    made_before: datetime | None,
    fed: Callable[[int], object],
    stuck: Callable[[], object],
) -> None:
    """Put the chunks into the queue as the workers empty it. `fed` is told of the images of each.

    `stuck` is called when nothing has been taken from it for half a minute. Raises QueueAway.
    """
    for chunk in pieces:
        _wait_for_room(stuck)
        if made_before is not None:
            outdate_thumbnails(chunk, made_before)
        if not queue.ask_for_thumbnails(chunk):
            raise QueueAway
        fed(len(chunk))


def _lacking_of(
    page: Sequence[tuple[UUID, str, UUID | None]], made_before: datetime | None
) -> list[Candidate]:
    ids = [id_ for id_, _, _ in page]
    found = thumbnails_of(ids)
    outdated = _made_before(ids, made_before)
    return [
        Candidate(id_, alone=claim is not None)
        for id_, version, claim in page
        if id_ in outdated or missing_scales(found.get(id_, {}), version)
    ]


def _made_before(ids: Sequence[UUID], moment: datetime | None) -> set[UUID]:
    if moment is None:
        return set()
    made = Thumbnail.objects.filter(image_id__in=ids, generated_at__lt=moment)
    return set(made.values_list("image_id", flat=True))


def _wait_for_room(stuck: Callable[[], object]) -> None:
    fewest, since, told = None, time.monotonic(), False
    while True:
        waiting = queue.waiting_in_bulk()
        if waiting is None:
            raise QueueAway
        if waiting < _MOST_CHUNKS_WAITING:
            return
        if fewest is None or waiting < fewest:
            fewest, since = waiting, time.monotonic()
        elif not told and time.monotonic() - since > _STUCK_SECONDS:
            stuck()
            told = True
        time.sleep(_LOOK_EVERY_SECONDS)
