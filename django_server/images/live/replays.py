"""The truth for a client that just subscribed: what a batch or some jobs are now, or what changed since a cursor.

Generators, so that a batch of any size is read page by page as the client takes it: two statements a page. They ask
the database, so `connection` steps them on a thread of their own. They yield either a whole frame (text) or items
that still have to be made into frames the way this client wants them.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import CharField, Count, Q, QuerySet, Value

from images.live.events import Item, packed
from images.live.protocol import FRAME_IMAGES, FRAME_IMAGES_BYTES
from images.live.protocol import snapshot_frame as frame_of
from images.models import Image, RemovedImage
from images.queries import with_thumbnails
from images.query_guard import no_statements
from images.rows import Listed
from images.serializers import Addresses, change_cursor, image_json, notification_json, removed_json

PAGE_IMAGES = FRAME_IMAGES
# A change is dated when its transaction begins and seen when it commits: this much later at most.
CURSOR_SLACK = timedelta(seconds=10)
# A thousand UUIDs are below every database's bound on parameters, 999 of old SQLite included, in pages.
PAGE_IDS = 500

Replay = Iterator[str | list[Item]]

_NOW = {
    "postgresql": "SELECT now()",
    "sqlite": "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')",
}


def database_now() -> datetime:
    """The one clock that counts. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_NOW[connection.vendor])
        (now,) = cursor.fetchone()
    return datetime.fromisoformat(now).replace(tzinfo=UTC) if isinstance(now, str) else now


def batch_snapshot(batch_id: UUID) -> Replay:
    """The frames of a batch's snapshot, newest image first, then the removal of those that are gone.

    A batch that does not exist (yet) is an empty one.
    """
    cursor = change_cursor(database_now())
    images = Image.objects.filter(batch_id=batch_id)
    yield from _snapshot(batch_id, _newest_first(images), _counts(images), cursor)
    # A client that was away when they were deleted still shows them: absence from a page tells it nothing.
    yield from _removed_pages(RemovedImage.objects.filter(batch_id=batch_id))


def jobs_snapshot(job_ids: Sequence[UUID]) -> Replay:
    """The frames of a snapshot of these jobs, then the removal of those that are gone."""
    cursor = change_cursor(database_now())
    pages = [job_ids[start : start + PAGE_IMAGES] for start in range(0, len(job_ids), PAGE_IMAGES)]
    counts: dict[str, int] = {}
    for start in range(0, len(job_ids), PAGE_IDS):
        some = Image.objects.filter(id__in=job_ids[start : start + PAGE_IDS])
        for status, count in _counts(some).items():
            counts[status] = counts.get(status, 0) + count
    yield from _snapshot(
        None, (with_thumbnails(Image.objects.filter(id__in=page)) for page in pages), counts, cursor
    )
    for start in range(0, len(job_ids), PAGE_IDS):
        removed = RemovedImage.objects.filter(image_id__in=job_ids[start : start + PAGE_IDS])
        yield _removed_items(removed.values("image_id", "version"))


def changes_since(moment: datetime) -> Replay:
    """Items of all that changed after `moment`, less the slack, up to now. Later changes are told as they happen."""
    since, until = moment - CURSOR_SLACK, database_now()
    changed = Image.objects.filter(changed_at__gte=since, changed_at__lte=until).order_by("changed_at", "id")
    after = Q()
    while page := with_thumbnails(changed.filter(after)[:PAGE_IMAGES]):
        with no_statements():
            at = Addresses.now()
            items = [_item(image["id"], notification_json(image, found, at)) for image, found in page]
        yield items
        last = page[-1][0]
        moment = _as_stored(last["changed_at"])
        after = Q(changed_at__gt=moment) | Q(changed_at=moment, id__gt=last["id"])
    yield from _removed_since(since)


def _removed_since(since: datetime) -> Iterator[list[Item]]:
    yield from _removed_pages(RemovedImage.objects.filter(removed_at__gte=since))


def _removed_pages(removed: QuerySet[RemovedImage]) -> Iterator[list[Item]]:
    ordered = removed.order_by("removed_at", "image_id")
    after = Q()
    while page := list(ordered.filter(after).values("image_id", "version", "removed_at")[:PAGE_IMAGES]):
        yield _removed_items(page)
        last = page[-1]
        moment = _as_stored(last["removed_at"])
        after = Q(removed_at__gt=moment) | Q(removed_at=moment, image_id__gt=last["image_id"])


def _as_stored(moment: datetime) -> Any:
    """A moment the database dated itself, to be compared for equality with its column.

    SQLite compares text: its own clock has three digits after the second, a datetime from here six.
    """
    if connection.vendor != "sqlite":
        return moment
    return Value(
        moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "milliseconds"), output_field=CharField()
    )


def _snapshot(
    batch_id: UUID | None, pages: Iterator[Sequence[Listed]], counts: dict[str, int], cursor: str
) -> Iterator[str]:
    """One frame behind the reading: only when there is nothing after it is a page known to be the last."""
    number = 1
    held: list[str] = []
    for group in _frame_fulls(pages):
        if held:
            yield frame_of(batch_id, held, counts, number, last=False, cursor=cursor)
            number += 1
        held = group
    yield frame_of(batch_id, held, counts, number, last=True, cursor=cursor)


def _frame_fulls(pages: Iterator[Sequence[Listed]]) -> Iterator[list[str]]:
    for page in pages:
        with no_statements():
            at = Addresses.now()
            encoded = [orjson.dumps(image_json(image, thumbnails, at)) for image, thumbnails in page]
        for run in packed([len(one) for one in encoded], FRAME_IMAGES, FRAME_IMAGES_BYTES):
            yield [one.decode() for one in encoded[run]]


def _newest_first(images: QuerySet[Image]) -> Iterator[Sequence[Listed]]:
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


def _item(job_id: UUID, notification: dict[str, Any]) -> Item:
    encoded = orjson.dumps(notification)
    return Item(job_id.hex, "image", encoded.decode(), len(encoded))


def _removed_items(rows: Any) -> list[Item]:
    items = []
    for row in rows:
        text = orjson.dumps(removed_json(row["image_id"], row["version"])).decode()
        items.append(Item(row["image_id"].hex, "removed", text, len(text)))
    return items
