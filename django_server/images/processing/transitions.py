"""Every change of an image's status, each a conditional update: the only writer of `status`, `version` and the claim.

Only the database's clock counts. Each function returns the images it really changed, with the values they have now,
for the caller to announce after the commit.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from filestore.keys import InvalidKey
from images.clock import from_now
from images.errors import ERRORS
from images.models import Image, RemovedImage, Status, Thumbnail
from images.observability.event_counters import IMAGES_FINISHED
from images.processing.outcomes import Failed, Outcome, Rendered
from images.row_values import IMAGE_FIELDS, ImageValues, Listed, ThumbnailValues
from images.thumbnail_rules import is_upload, key_of_thumbnail, sizes
from images.thumbnails.upsert import save_thumbnails

# Columns that change with every change of status.
_CHANGED: Mapping[str, Any] = {"version": F("version") + 1, "changed_at": Now()}
_UNCLAIMED: Mapping[str, Any] = {"claim": None, "lease_until": None}


@dataclass(frozen=True)
class Claim:
    """The exclusive right of one task to process these images: updates with its token succeed until the lease ends."""

    token: UUID
    images: Sequence[ImageValues]
    waited_seconds: Mapping[UUID, float] = field(default_factory=dict)


def lease_end() -> Combinable:
    """The time at which a claim taken or renewed now ends, by the database's clock."""
    return from_now(settings.LEASE_SECONDS)


def claim(ids: Sequence[UUID]) -> Claim:
    """pending -> processing for the pending images among `ids`. Two statements."""
    token = uuid4()
    claimed = _update(
        Image.objects.filter(id__in=ids, status=Status.PENDING),
        len(ids),
        status=Status.PROCESSING,
        claim=token,
        lease_until=lease_end(),
        attempts=F("attempts") + 1,
        **_CHANGED,
    )
    rows = list(Image.objects.filter(claim=token).values(*IMAGE_FIELDS, "queued_at")) if claimed else []
    waited = {row["id"]: _seconds_between(row.pop("queued_at"), row["changed_at"]) for row in rows}
    order = {id_: place for place, id_ in enumerate(ids)}
    return Claim(token, sorted(cast(list[ImageValues], rows), key=lambda row: order[row["id"]]), waited)


def insert_claimed(image: Image) -> Claim:
    """Insert a new row that its process claims itself (the synchronous upload). One statement."""
    token = uuid4()
    image.status = Status.PROCESSING
    image.claim = token
    image.lease_until = lease_end()
    image.attempts = 1
    image.save(force_insert=True)
    return Claim(token, [new_values(image)])


def new_values(image: Image) -> ImageValues:
    """The values of a row just inserted, without reading it back."""
    values = {field: getattr(image, field) for field in IMAGE_FIELDS}
    values["changed_at"] = image.uploaded_at
    return cast(ImageValues, values)


def flush(claim: Claim, outcomes: Sequence[Outcome], *, renew: bool) -> list[Listed]:
    """processing -> completed | error for the outcomes whose images `claim` still has; others are ignored.

    One transaction of at most five statements. With `renew` the rest of the claim gets a new lease.
    """
    by_id = {outcome.image_id: outcome for outcome in outcomes}
    still_claimed = Image.objects.filter(claim=claim.token, status=Status.PROCESSING)
    with transaction.atomic():
        # With `renew` this locks every row written below: locking more rows afterwards would be out of order.
        found = (
            (still_claimed if renew else still_claimed.filter(id__in=by_id))
            .select_for_update()
            .order_by("id")
            .values(*IMAGE_FIELDS, database_now=Now())
        )
        rows = [row for row in found if row["id"] in by_id]
        mine = [by_id[row["id"]] for row in rows]
        rendered = [outcome for outcome in mine if isinstance(outcome, Rendered)]
        failed = [outcome for outcome in mine if isinstance(outcome, Failed)]
        if rendered:
            save_thumbnails([row for outcome in rendered for row in outcome.thumbnails])
            _claimed(claim, rendered).update(
                status=Status.COMPLETED, finished_at=Now(), **_sizes(rendered), **_UNCLAIMED, **_CHANGED
            )
        if failed:
            _claimed(claim, failed).update(
                status=Status.ERROR,
                error_code=_by_id({outcome.image_id: outcome.code for outcome in failed}),
                error_message=_by_id({outcome.image_id: outcome.message for outcome in failed}),
                finished_at=Now(),
                **_UNCLAIMED,
                **_CHANGED,
            )
        if renew:
            still_claimed.update(lease_until=lease_end())
        _count(Status.COMPLETED, [""] * len(rendered))
        _count(Status.ERROR, [outcome.code for outcome in failed])
    return [_after_flush(row, by_id[row["id"]]) for row in rows]


def renew(claim: Claim) -> None:
    """Start a new lease for the images that the claim still has. One statement."""
    claimed = Image.objects.filter(claim=claim.token, status=Status.PROCESSING)
    _update(claimed, len(claim.images), lease_until=lease_end())


def hand_back(claim: Claim, ids: Sequence[UUID], *, postpone: bool = False) -> list[UUID]:
    """processing -> pending for images of the claim that were not begun; the attempt is not counted.

    Postponed images are queued by the sweeper, after a longer wait each time; the caller queues the others.
    Returns the ids handed back.
    """
    with transaction.atomic():
        mine = _locked(Image.objects.filter(id__in=ids, claim=claim.token, status=Status.PROCESSING))
        Image.objects.filter(id__in=mine, claim=claim.token).update(
            status=Status.PENDING,
            attempts=F("attempts") - 1,
            queued_at=Now(),
            queue_tries=F("queue_tries") + (1 if postpone else 0),
            **_UNCLAIMED,
            **_CHANGED,
        )
    return mine


def expire(most: int) -> tuple[list[UUID], list[UUID]]:
    """processing -> pending for images whose lease has ended, or error after the last attempt.

    Returns the ids that failed and the ids that are pending, each to be queued alone.
    """
    with transaction.atomic():
        expired = Image.objects.filter(status=Status.PROCESSING, lease_until__lt=Now())
        ids = _locked(expired, skip=True, most=most)
        still = Image.objects.filter(id__in=ids, status=Status.PROCESSING, lease_until__lt=Now())
        failed_ids = list(still.filter(attempts__gte=settings.MAX_ATTEMPTS).values_list("id", flat=True))
        still.filter(id__in=failed_ids).update(
            status=Status.ERROR,
            error_code="processing_failed",
            error_message=ERRORS["processing_failed"].sentence,
            finished_at=Now(),
            **_UNCLAIMED,
            **_CHANGED,
        )
        _count(Status.ERROR, ["processing_failed"] * len(failed_ids))
        waiting = [id_ for id_ in ids if id_ not in set(failed_ids)]
        Image.objects.filter(id__in=waiting, status=Status.PROCESSING, lease_until__lt=Now()).update(
            status=Status.PENDING, queued_at=Now(), **_UNCLAIMED, **_CHANGED
        )
    return failed_ids, waiting


def retry(ids: Sequence[UUID]) -> list[UUID]:
    """error | aborted -> pending, with no attempts counted. Returns the ids to queue."""
    with transaction.atomic():
        mine = _locked(Image.objects.filter(id__in=ids, status__in=[Status.ERROR, Status.ABORTED]))
        Image.objects.filter(id__in=mine).update(
            status=Status.PENDING,
            attempts=0,
            queue_tries=0,
            queued_at=Now(),
            finished_at=None,
            error_code="",
            error_message="",
            **_CHANGED,
        )
    return mine


def abort(ids: Sequence[UUID]) -> list[UUID]:
    """pending | processing -> aborted. A worker that has the image loses its claim. Returns the ids aborted."""
    with transaction.atomic():
        mine = _locked(Image.objects.filter(id__in=ids, status__in=[Status.PENDING, Status.PROCESSING]))
        Image.objects.filter(id__in=mine).update(
            status=Status.ABORTED, finished_at=Now(), **_UNCLAIMED, **_CHANGED
        )
        _count(Status.ABORTED, [""] * len(mine))
    return mine


def mark_not_queued(ids: Sequence[UUID]) -> None:
    """Mark images that could not be queued: they are due at the next sweep, and their tries start again.

    Otherwise days without a queue, with a try in each sweep, would exceed the range of the column.
    """
    waiting = Image.objects.filter(id__in=ids, status=Status.PENDING)
    _update(waiting, len(ids), queued_at=None, queue_tries=0)


def take_due(due: Q, most: int) -> list[tuple[UUID, int]]:
    """Pending images that are due to be queued again, oldest first, as (id, attempts): each to one caller only.

    They are marked as queued; the next time they wait twice as long. Two statements.
    """
    with transaction.atomic():
        pending = Image.objects.filter(due, status=Status.PENDING).order_by("uploaded_at")
        # Rows that are locked now are skipped: another sweeper queues them. So this never waits.
        found = list(pending.select_for_update(skip_locked=True).values_list("id", "attempts")[:most])
        Image.objects.filter(id__in=[id_ for id_, _ in found]).update(
            queued_at=Now(), queue_tries=F("queue_tries") + 1
        )
    return found


def mark_announced(versions: Mapping[UUID, int]) -> None:
    """Mark these versions as announced. One statement for each distinct version."""
    by_version: dict[int, list[UUID]] = {}
    for id_, version in versions.items():
        by_version.setdefault(version, []).append(id_)
    for version, ids in by_version.items():
        behind = Image.objects.filter(id__in=ids, announced_version__lt=version)
        _update(behind, len(ids), announced_version=version)


@dataclass(frozen=True)
class Deletion:
    """A deleted image: what to publish, and the keys of the files to delete."""

    image_id: UUID
    batch_id: UUID | None
    version: int
    keys: Sequence[str]

    @classmethod
    def of(cls, note: RemovedImage) -> "Deletion":
        """From the note that `delete` wrote."""
        return cls(note.image_id, note.batch_id, note.version, note.keys)


def delete(images: QuerySet[Image]) -> list[Deletion]:
    """Delete the rows and write a note of each. The caller publishes it and deletes the files after the commit."""
    with transaction.atomic():
        rows = list(
            images.select_for_update().order_by("id").values("id", "batch_id", "version", "collection", "key")
        )
        ids = [row["id"] for row in rows]
        thumbnail_keys: dict[UUID, list[str]] = {id_: [] for id_ in ids}
        for image_id, key in Thumbnail.objects.filter(image_id__in=ids).values_list("image_id", "key"):
            thumbnail_keys[image_id].append(key)
        deletions = [
            Deletion(
                row["id"], row["batch_id"], row["version"] + 1, _our_files(row, thumbnail_keys[row["id"]])
            )
            for row in rows
        ]
        RemovedImage.objects.bulk_create(
            [
                RemovedImage(image_id=one.image_id, batch_id=one.batch_id, version=one.version, keys=one.keys)
                for one in deletions
            ],
            # An archive's image that is registered again has the same id, and a note if it was deleted within a day.
            update_conflicts=True,
            unique_fields=["image_id"],
            update_fields=["batch_id", "version", "announced", "keys", "files_deleted", "removed_at"],
        )
        Image.objects.filter(id__in=ids).delete()
    return deletions


def _our_files(row: Mapping[str, Any], thumbnail_keys: Sequence[str]) -> list[str]:
    """The keys of an upload's files. Files of an archive are never deleted, so none."""
    if not is_upload(row["collection"]):
        return []
    keys = {row["key"], *thumbnail_keys}
    # The key of an image uploaded under another KEY_PREFIX: it has no other files.
    with suppress(InvalidKey):
        # A process that crashed between rendering and flush left thumbnails without rows.
        keys |= {key_of_thumbnail(row["key"], scale_px) for scale_px in sizes().values()}
    return sorted(keys)


def _locked(images: QuerySet[Image], *, skip: bool = False, most: int | None = None) -> list[UUID]:
    """The ids of `images`, locked until the transaction ends; with `skip` without those that are locked now.

    Always in the order of ids, so that no two transactions deadlock. SQLite has no row locks and needs none: its
    transactions here take the write lock at their start.
    """
    locked = images.select_for_update(skip_locked=skip).order_by("id").values_list("id", flat=True)
    return list(locked[:most])


def _update(images: QuerySet[Image], most: int, **values: Any) -> int:
    """Update `images`, `most` at most, in one statement that locks them in the order of their ids.

    A plain update locks rows as it finds them: two of them could deadlock. Without the limit Django drops the order.
    """
    with transaction.atomic():
        in_order = images.select_for_update().order_by("id").values("id")[:most]
        return images.filter(id__in=in_order).update(**values)


def _count(status: Status, codes: Sequence[str]) -> None:
    """Count final images in the metrics, each with its code, after the commit."""

    def count() -> None:
        for code, images in Counter(codes).items():
            IMAGES_FINISHED.labels(status.value, code).inc(images)

    transaction.on_commit(count)


def _seconds_between(queued_at: datetime | None, claimed_at: datetime) -> float:
    # The one may be by Python's clock, the other by the database's.
    return max(0.0, (claimed_at - queued_at).total_seconds()) if queued_at else 0.0


def _claimed(claim: Claim, outcomes: Sequence[Outcome]) -> QuerySet[Image]:
    ids = [outcome.image_id for outcome in outcomes]
    return Image.objects.filter(id__in=ids, claim=claim.token, status=Status.PROCESSING)


def _by_id(values: Mapping[UUID, Any]) -> Case:
    return Case(*[When(id=id_, then=Value(value)) for id_, value in values.items()])


def _sizes(rendered: Sequence[Rendered]) -> dict[str, Any]:
    return {
        "width": _by_id({outcome.image_id: outcome.width for outcome in rendered}),
        "height": _by_id({outcome.image_id: outcome.height for outcome in rendered}),
    }


def _after_flush(row: Mapping[str, Any], outcome: Outcome) -> Listed:
    values = {**row, "version": row["version"] + 1, "changed_at": row["database_now"]}
    values["finished_at"] = values.pop("database_now")
    thumbnails: dict[str, ThumbnailValues] = {}
    if isinstance(outcome, Rendered):
        values |= {"status": Status.COMPLETED, "width": outcome.width, "height": outcome.height}
        thumbnails = {row["label"]: row for row in outcome.thumbnails}
    else:
        values |= {"status": Status.ERROR, "error_code": outcome.code, "error_message": outcome.message}
    return cast(ImageValues, values), thumbnails
