"""Replays for a client that has subscribed: the snapshot of a batch or of jobs, or all changes since a cursor.

Each replay is a generator, so that a batch of any size is read page by page as the client reads. A page costs two SQL
statements. `replay_queue` advances the generators on its reader threads, because they query the database. A generator
yields either a whole frame as text, or events, which `bounded_sender` coalesces if the client asked for it.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import CharField, Count, Q, QuerySet, Value

from images.live.events import EventFrame, bounded_slices
from images.live.protocol import FRAME_IMAGES, FRAME_IMAGES_BYTES, snapshot_frame
from images.models import Image, RemovedImage
from images.queries import with_thumbnails
from images.row_values import ListedImage
from images.serializers import Addresses, change_cursor, image_json, notification_json, removed_json
from images.sql_statement_guard import no_statements

PAGE_IMAGES = FRAME_IMAGES
# `changed_at` is the time at which the transaction began, but the change is visible only after the commit. The commit
# is at most this much later.
CURSOR_SLACK = timedelta(seconds=10)
# Ids per statement. A client may subscribe to 1,000 jobs, but old versions of SQLite accept only 999 SQL parameters.
PAGE_IDS = 500

Replay = Iterator[str | list[EventFrame]]

_NOW = {
    "postgresql": "SELECT now()",
    "sqlite": "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')",
}


def database_now() -> datetime:
    """The time of the database's clock, which all cursors use. Runs one SQL statement."""
    with connection.cursor() as cursor:
        cursor.execute(_NOW[connection.vendor])
        (now,) = cursor.fetchone()
    return datetime.fromisoformat(now).replace(tzinfo=UTC) if isinstance(now, str) else now


def batch_snapshot(batch_id: UUID) -> Replay:
    """The frames of a batch's snapshot, newest image first, then an event for each deleted image of the batch.

    If the batch does not exist, the snapshot is empty.
    """
    cursor = change_cursor(database_now())
    images = Image.objects.filter(batch_id=batch_id)
    yield from _snapshot(batch_id, _newest_first(images), _counts(images), cursor)
    # A client that was disconnected during a deletion still shows the image, and the snapshot does not report the
    # deletion.
    yield from _removed_pages(RemovedImage.objects.filter(batch_id=batch_id))


def jobs_snapshot(job_ids: Sequence[UUID]) -> Replay:
    """The frames of a snapshot of these jobs, then an event for each deleted job."""
    cursor = change_cursor(database_now())
    pages = [job_ids[start : start + PAGE_IMAGES] for start in range(0, len(job_ids), PAGE_IMAGES)]
    counts: dict[str, int] = {}
    for start in range(0, len(job_ids), PAGE_IDS):
        page_images = Image.objects.filter(id__in=job_ids[start : start + PAGE_IDS])
        for status, count in _counts(page_images).items():
            counts[status] = counts.get(status, 0) + count
    yield from _snapshot(
        None, (with_thumbnails(Image.objects.filter(id__in=page)) for page in pages), counts, cursor
    )
    for start in range(0, len(job_ids), PAGE_IDS):
        removed = RemovedImage.objects.filter(image_id__in=job_ids[start : start + PAGE_IDS])
        yield _removed_events(removed.values("image_id", "version"))


def changes_since(moment: datetime) -> Replay:
    """Events of all changes from CURSOR_SLACK before `moment` up to now. Later changes are live events."""
    since, until = moment - CURSOR_SLACK, database_now()
    changed = Image.objects.filter(changed_at__gte=since, changed_at__lte=until).order_by("changed_at", "id")
    after = Q()
    while page := with_thumbnails(changed.filter(after)[:PAGE_IMAGES]):
        with no_statements():
            addresses = Addresses.now()
            events = [
                _event(image["id"], notification_json(image, thumbnails, addresses))
                for image, thumbnails in page
            ]
        yield events
        last = page[-1][0]
        moment = _as_stored(last["changed_at"])
        after = Q(changed_at__gt=moment) | Q(changed_at=moment, id__gt=last["id"])
    yield from _removed_since(since)


def _removed_since(since: datetime) -> Iterator[list[EventFrame]]:
    yield from _removed_pages(RemovedImage.objects.filter(removed_at__gte=since))


def _removed_pages(removed: QuerySet[RemovedImage]) -> Iterator[list[EventFrame]]:
    ordered = removed.order_by("removed_at", "image_id")
    after = Q()
    while page := list(ordered.filter(after).values("image_id", "version", "removed_at")[:PAGE_IMAGES]):
        yield _removed_events(page)
        last = page[-1]
        moment = _as_stored(last["removed_at"])
        after = Q(removed_at__gt=moment) | Q(removed_at=moment, image_id__gt=last["image_id"])


def _as_stored(moment: datetime) -> Any:
    """`moment`, read from a column that the database's clock set, in a form that compares equal to that column.

    SQLite compares times as text. Its clock writes three digits after the second; a datetime from Python has six.
    """
    if connection.vendor != "sqlite":
        return moment
    return Value(
        moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "milliseconds"), output_field=CharField()
    )


def _snapshot(
    batch_id: UUID | None, pages: Iterator[Sequence[ListedImage]], counts: dict[str, int], cursor: str
) -> Iterator[str]:
    """The frames of a snapshot. Reads one page ahead, because a frame says whether it is the last one."""
    number = 1
    previous: list[str] = []
    for images in _images_per_frame(pages):
        if previous:
            yield snapshot_frame(batch_id, previous, counts, number, last=False, cursor=cursor)
            number += 1
        previous = images
    yield snapshot_frame(batch_id, previous, counts, number, last=True, cursor=cursor)


def _images_per_frame(pages: Iterator[Sequence[ListedImage]]) -> Iterator[list[str]]:
    for page in pages:
        with no_statements():
            addresses = Addresses.now()
            encoded = [orjson.dumps(image_json(image, thumbnails, addresses)) for image, thumbnails in page]
        for run in bounded_slices([len(image) for image in encoded], FRAME_IMAGES, FRAME_IMAGES_BYTES):
            yield [image.decode() for image in encoded[run]]


def _newest_first(images: QuerySet[Image]) -> Iterator[Sequence[ListedImage]]:
    ordered = images.order_by("-uploaded_at", "-id")
    after = Q()
    while page := with_thumbnails(ordered.filter(after)[:PAGE_IMAGES]):
        yield page
        if len(page) < PAGE_IMAGES:
            return
        last = page[-1][0]
        after = Q(uploaded_at__lt=last["uploaded_at"]) | Q(uploaded_at=last["uploaded_at"], id__lt=last["id"])


def _counts(images: QuerySet[Image]) -> dict[str, int]:
    return dict(images.order_by().values_list("status").annotate(count=Count("id")))


def _event(job_id: UUID, notification: dict[str, Any]) -> EventFrame:
    encoded = orjson.dumps(notification)
    return EventFrame(job_id.hex, "image", encoded.decode(), len(encoded))


def _removed_events(rows: Any) -> list[EventFrame]:
    events = []
    for row in rows:
        text = orjson.dumps(removed_json(row["image_id"], row["version"])).decode()
        events.append(EventFrame(row["image_id"].hex, "removed", text, len(text)))
    return events
