"""The functions that change an image's status, and `delete`.

No other module writes `status`, `version`, `claim` or `lease_until` of an existing row. A WHERE clause requires the
expected old status, in the UPDATE itself or in the SELECT that locks its rows, so a function does not change a row that
another process changed first. Only the database's clock decides whether a lease has expired. Functions return the
images that they changed, and the caller publishes these changes after the commit. Docstrings give the number of SQL
statements, which tests check.
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
from images.error_codes import ERRORS
from images.models import Image, RemovedImage, Status, Thumbnail
from images.observability.event_counters import IMAGES_FINISHED
from images.processing.outcomes import Failed, Outcome, Rendered
from images.row_values import IMAGE_FIELDS, ImageValues, ListedImage, ThumbnailValues
from images.thumbnail_rules import is_upload, key_of_thumbnail, sizes
from images.thumbnails.upsert import save_thumbnails

# These columns are written with every change of status.
_NEXT_VERSION: Mapping[str, Any] = {"version": F("version") + 1, "changed_at": Now()}
_NO_CLAIM: Mapping[str, Any] = {"claim": None, "lease_until": None}


@dataclass(frozen=True)
class Claim:
    """The exclusive right of one task to process these images.

    An update with the claim's token changes an image until another process ends its claim: by `abort` or `delete`, or
    by `expire` after the lease has expired. `waited_seconds`: the time from queueing to this claim, by image id.
    """

    token: UUID
    images: Sequence[ImageValues]
    waited_seconds: Mapping[UUID, float] = field(default_factory=dict)


def lease_end() -> Combinable:
    """The end of a lease that starts now, by the database's clock."""
    return from_now(settings.LEASE_SECONDS)


def claim(ids: Sequence[UUID]) -> Claim:
    """pending -> processing for the pending images among `ids`. Runs two SQL statements."""
    token = uuid4()
    number_claimed = _update_in_id_order(
        Image.objects.filter(id__in=ids, status=Status.PENDING),
        len(ids),
        status=Status.PROCESSING,
        claim=token,
        lease_until=lease_end(),
        attempts=F("attempts") + 1,
        **_NEXT_VERSION,
    )
    rows = (
        list(Image.objects.filter(claim=token).values(*IMAGE_FIELDS, "queued_at")) if number_claimed else []
    )
    waited = {row["id"]: _seconds_between(row.pop("queued_at"), row["changed_at"]) for row in rows}
    positions = {id_: position for position, id_ in enumerate(ids)}
    return Claim(token, sorted(cast(list[ImageValues], rows), key=lambda row: positions[row["id"]]), waited)


def insert_claimed(image: Image) -> Claim:
    """Insert a row that is already claimed, for the synchronous upload. Runs one SQL statement."""
    token = uuid4()
    image.status = Status.PROCESSING
    image.claim = token
    image.lease_until = lease_end()
    image.attempts = 1
    image.save(force_insert=True)
    return Claim(token, [new_values(image)])


def new_values(image: Image) -> ImageValues:
    """The values of a row just inserted, without reading it back."""
    values = {name: getattr(image, name) for name in IMAGE_FIELDS}
    values["changed_at"] = image.uploaded_at
    return cast(ImageValues, values)


def flush(claim: Claim, outcomes: Sequence[Outcome], *, renew: bool) -> list[ListedImage]:
    """processing -> completed | error, for each outcome whose image still has this claim. Other outcomes are ignored.

    Runs one transaction of at most five SQL statements. With `renew`, the images of the claim that have no outcome yet
    get a new lease.
    """
    outcome_by_id = {outcome.image_id: outcome for outcome in outcomes}
    claimed = Image.objects.filter(claim=claim.token, status=Status.PROCESSING)
    with transaction.atomic():
        # With `renew`, lock all rows of the claim now, in order of id. Locking the rest later would break that order,
        # and two transactions could deadlock.
        locked_rows = (
            (claimed if renew else claimed.filter(id__in=outcome_by_id))
            .select_for_update()
            .order_by("id")
            .values(*IMAGE_FIELDS, database_now=Now())
        )
        rows = [row for row in locked_rows if row["id"] in outcome_by_id]
        outcomes_to_write = [outcome_by_id[row["id"]] for row in rows]
        rendered = [outcome for outcome in outcomes_to_write if isinstance(outcome, Rendered)]
        failed = [outcome for outcome in outcomes_to_write if isinstance(outcome, Failed)]
        if rendered:
            save_thumbnails([thumbnail for outcome in rendered for thumbnail in outcome.thumbnails])
            _claimed_images(claim, rendered).update(
                status=Status.COMPLETED,
                finished_at=Now(),
                **_width_and_height(rendered),
                **_NO_CLAIM,
                **_NEXT_VERSION,
            )
        if failed:
            _claimed_images(claim, failed).update(
                status=Status.ERROR,
                error_code=_case_by_id({outcome.image_id: outcome.code for outcome in failed}),
                error_message=_case_by_id({outcome.image_id: outcome.message for outcome in failed}),
                finished_at=Now(),
                **_NO_CLAIM,
                **_NEXT_VERSION,
            )
        if renew:
            claimed.update(lease_until=lease_end())
        _count_finished(Status.COMPLETED, [""] * len(rendered))
        _count_finished(Status.ERROR, [outcome.code for outcome in failed])
    return [_values_after_flush(row, outcome_by_id[row["id"]]) for row in rows]


def renew(claim: Claim) -> None:
    """Start a new lease for the images that still have this claim. Runs one SQL statement."""
    claimed = Image.objects.filter(claim=claim.token, status=Status.PROCESSING)
    _update_in_id_order(claimed, len(claim.images), lease_until=lease_end())


def release(claim: Claim, ids: Sequence[UUID], *, postpone: bool = False) -> list[UUID]:
    """processing -> pending for images of the claim that were not rendered. The attempt is not counted.

    With `postpone`, the sweeper queues these images, after a wait that grows each time. Without `postpone`, the caller
    queues them. Returns the ids of the released images.
    """
    with transaction.atomic():
        released = _lock_ids(Image.objects.filter(id__in=ids, claim=claim.token, status=Status.PROCESSING))
        Image.objects.filter(id__in=released, claim=claim.token).update(
            status=Status.PENDING,
            attempts=F("attempts") - 1,
            queued_at=Now(),
            queue_tries=F("queue_tries") + (1 if postpone else 0),
            **_NO_CLAIM,
            **_NEXT_VERSION,
        )
    return released


def expire(limit: int) -> tuple[list[UUID], list[UUID]]:
    """processing -> pending for at most `limit` images whose lease has expired, or -> error after the last attempt.

    Returns (failed ids, pending ids). Queue each pending id in a task of its own: any of them may have crashed its
    worker.
    """
    with transaction.atomic():
        expired = Image.objects.filter(status=Status.PROCESSING, lease_until__lt=Now())
        ids = _lock_ids(expired, skip_locked=True, limit=limit)
        still_expired = Image.objects.filter(id__in=ids, status=Status.PROCESSING, lease_until__lt=Now())
        failed_ids = list(
            still_expired.filter(attempts__gte=settings.MAX_ATTEMPTS).values_list("id", flat=True)
        )
        still_expired.filter(id__in=failed_ids).update(
            status=Status.ERROR,
            error_code="processing_failed",
            error_message=ERRORS["processing_failed"].sentence,
            finished_at=Now(),
            **_NO_CLAIM,
            **_NEXT_VERSION,
        )
        _count_finished(Status.ERROR, ["processing_failed"] * len(failed_ids))
        pending_ids = [id_ for id_ in ids if id_ not in set(failed_ids)]
        Image.objects.filter(id__in=pending_ids, status=Status.PROCESSING, lease_until__lt=Now()).update(
            status=Status.PENDING, queued_at=Now(), **_NO_CLAIM, **_NEXT_VERSION
        )
    return failed_ids, pending_ids


def retry(ids: Sequence[UUID]) -> list[UUID]:
    """error | aborted -> pending, with the attempt count reset to 0. Returns the ids to queue."""
    with transaction.atomic():
        retried = _lock_ids(Image.objects.filter(id__in=ids, status__in=[Status.ERROR, Status.ABORTED]))
        Image.objects.filter(id__in=retried).update(
            status=Status.PENDING,
            attempts=0,
            queue_tries=0,
            queued_at=Now(),
            finished_at=None,
            error_code="",
            error_message="",
            **_NEXT_VERSION,
        )
    return retried


def abort(ids: Sequence[UUID]) -> list[UUID]:
    """pending | processing -> aborted. A worker loses its claim on such an image. Returns the aborted ids."""
    with transaction.atomic():
        aborted = _lock_ids(Image.objects.filter(id__in=ids, status__in=[Status.PENDING, Status.PROCESSING]))
        Image.objects.filter(id__in=aborted).update(
            status=Status.ABORTED, finished_at=Now(), **_NO_CLAIM, **_NEXT_VERSION
        )
        _count_finished(Status.ABORTED, [""] * len(aborted))
    return aborted


def mark_not_queued(ids: Sequence[UUID]) -> None:
    """Mark pending images that could not be queued, so that the next sweep queues them. Resets `queue_tries` to 0.

    Without the reset, `queue_tries` would grow at each sweep, and overflow its column after days without Redis.
    """
    pending = Image.objects.filter(id__in=ids, status=Status.PENDING)
    _update_in_id_order(pending, len(ids), queued_at=None, queue_tries=0)


def take_due(is_due: Q, limit: int) -> list[tuple[UUID, int]]:
    """Mark at most `limit` pending images for which `is_due` is true as queued. The caller queues them.

    Returns (id, attempts), oldest first. Two callers never get the same image. `queue_tries` goes up by one, which
    doubles the wait before the sweeper queues the image again. Runs two SQL statements.
    """
    with transaction.atomic():
        pending = Image.objects.filter(is_due, status=Status.PENDING).order_by("uploaded_at")
        # Rows that another transaction has locked are skipped, so that this statement never waits.
        taken = list(pending.select_for_update(skip_locked=True).values_list("id", "attempts")[:limit])
        Image.objects.filter(id__in=[id_ for id_, _ in taken]).update(
            queued_at=Now(), queue_tries=F("queue_tries") + 1
        )
    return taken


def mark_published(versions: Mapping[UUID, int]) -> None:
    """Mark these versions as published, in `announced_version`. Runs one SQL statement for each distinct version."""
    by_version: dict[int, list[UUID]] = {}
    for id_, version in versions.items():
        by_version.setdefault(version, []).append(id_)
    for version, ids in by_version.items():
        not_marked_yet = Image.objects.filter(id__in=ids, announced_version__lt=version)
        _update_in_id_order(not_marked_yet, len(ids), announced_version=version)


@dataclass(frozen=True)
class Deletion:
    """A deleted image, with the values of its `RemovedImage` row: the data of the event, and the keys of its files."""

    image_id: UUID
    batch_id: UUID | None
    version: int
    keys: Sequence[str]

    @classmethod
    def of(cls, removed: RemovedImage) -> "Deletion":
        """The values of a `RemovedImage` row, which `delete` inserted earlier."""
        return cls(removed.image_id, removed.batch_id, removed.version, removed.keys)


def delete(images: QuerySet[Image]) -> list[Deletion]:
    """Delete the rows and insert a `RemovedImage` row for each.

    After the commit, the caller publishes the deletions and deletes the files.
    """
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
                row["id"],
                row["batch_id"],
                row["version"] + 1,
                _keys_to_delete(row, thumbnail_keys[row["id"]]),
            )
            for row in rows
        ]
        RemovedImage.objects.bulk_create(
            [
                RemovedImage(
                    image_id=deletion.image_id,
                    batch_id=deletion.batch_id,
                    version=deletion.version,
                    keys=deletion.keys,
                )
                for deletion in deletions
            ],
            # An archive image that is deleted and registered again keeps its id. If it was first deleted less than a
            # day ago, its `RemovedImage` row still exists, so update that row.
            update_conflicts=True,
            unique_fields=["image_id"],
            update_fields=["batch_id", "version", "announced", "keys", "files_deleted", "removed_at"],
        )
        Image.objects.filter(id__in=ids).delete()
    return deletions


def _keys_to_delete(row: Mapping[str, Any], thumbnail_keys: Sequence[str]) -> list[str]:
    """The keys of an upload's files; empty for an archive image, whose files are never deleted."""
    if not is_upload(row["collection"]):
        return []
    keys = {row["key"], *thumbnail_keys}
    # `key_of_thumbnail` raises InvalidKey for an image that was uploaded under another KEY_PREFIX. All files
    # of such an image are listed in its rows.
    with suppress(InvalidKey):
        # A process that crashed between rendering and flush leaves thumbnail files without rows.
        keys |= {key_of_thumbnail(row["key"], scale_px) for scale_px in sizes().values()}
    return sorted(keys)


def _lock_ids(images: QuerySet[Image], *, skip_locked: bool = False, limit: int | None = None) -> list[UUID]:
    """Lock the rows of `images` until the transaction ends, and return their ids.

    `skip_locked` leaves out rows that another transaction has locked. Rows are always locked in the order of their ids,
    so that no two transactions deadlock. SQLite has no row locks and needs none: its transactions take the write lock
    when they begin.
    """
    ids = images.select_for_update(skip_locked=skip_locked).order_by("id").values_list("id", flat=True)
    return list(ids[:limit])


def _update_in_id_order(images: QuerySet[Image], limit: int, **values: Any) -> int:
    """Update at most `limit` of `images` in one statement that locks the rows in the order of their ids.

    Two plain UPDATEs could lock the same rows in different orders and deadlock. The slice is needed because Django
    removes ORDER BY from a subquery that has no LIMIT.
    """
    with transaction.atomic():
        in_order = images.select_for_update().order_by("id").values("id")[:limit]
        return images.filter(id__in=in_order).update(**values)


def _count_finished(status: Status, codes: Sequence[str]) -> None:
    """After the commit, add final images to the metrics. `codes` has the error code of each image, or ""."""

    def count() -> None:
        for code, number in Counter(codes).items():
            IMAGES_FINISHED.labels(status.value, code).inc(number)

    transaction.on_commit(count)


def _seconds_between(queued_at: datetime | None, claimed_at: datetime) -> float:
    # `queued_at` may come from Python's clock and `claimed_at` from the database's, so the difference can be negative.
    return max(0.0, (claimed_at - queued_at).total_seconds()) if queued_at else 0.0


def _claimed_images(claim: Claim, outcomes: Sequence[Outcome]) -> QuerySet[Image]:
    ids = [outcome.image_id for outcome in outcomes]
    return Image.objects.filter(id__in=ids, claim=claim.token, status=Status.PROCESSING)


def _case_by_id(values: Mapping[UUID, Any]) -> Case:
    """An SQL expression with the value of each image id."""
    return Case(*[When(id=id_, then=Value(value)) for id_, value in values.items()])


def _width_and_height(rendered: Sequence[Rendered]) -> dict[str, Any]:
    return {
        "width": _case_by_id({outcome.image_id: outcome.width for outcome in rendered}),
        "height": _case_by_id({outcome.image_id: outcome.height for outcome in rendered}),
    }


def _values_after_flush(row: Mapping[str, Any], outcome: Outcome) -> ListedImage:
    """The values that `flush` has written, without reading them back."""
    values = {**row, "version": row["version"] + 1, "changed_at": row["database_now"]}
    values["finished_at"] = values.pop("database_now")
    thumbnails: dict[str, ThumbnailValues] = {}
    if isinstance(outcome, Rendered):
        values |= {"status": Status.COMPLETED, "width": outcome.width, "height": outcome.height}
        thumbnails = {thumbnail["label"]: thumbnail for thumbnail in outcome.thumbnails}
    else:
        values |= {"status": Status.ERROR, "error_code": outcome.code, "error_message": outcome.message}
    return cast(ImageValues, values), thumbnails
