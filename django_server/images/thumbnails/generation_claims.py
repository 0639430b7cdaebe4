"""Claims the generation of an image's missing thumbnails, so that only one process at a time generates them.

A process *claims* the image, with a lease: after the lease has expired, another process may take over the claim.
Conditional updates allow one claim per image across all processes. Times are compared by the database's clock. Only
this module writes the columns `thumbs_…`. These claims are independent of the worker's claims on images in
`processing.transitions`. A transaction here contains SQL only, except that `move_files` renames finished files to their
keys.

Docstrings give the number of SQL statements, which tests check.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from images.clock import from_now
from images.models import Image, Status, Thumbnail
from images.row_values import ImageValues, ThumbnailRow
from images.thumbnail_rules import is_upload
from images.thumbnails.upsert import save_thumbnails

_UNCLAIMED: dict[str, Any] = {"thumbs_claim": None, "thumbs_lease_until": None}
_NO_FAILURE: dict[str, Any] = {"thumbs_error_code": "", "thumbs_error_until": None}


@dataclass(frozen=True)
class Generated:
    """The rows of an image's rendered thumbnails, and the properties of the original from which they were rendered.

    `width` and `height`: size of the original in pixels after the EXIF orientation is applied.
    """

    source_version: str
    byte_size: int
    width: int
    height: int
    rows: Sequence[ThumbnailRow]


def acquire(image_id: UUID) -> UUID | None:
    """Claim the generation of the image's thumbnails. Returns the claim's token.

    None if another claim is valid, if generation failed recently (see `fail`), or if the image is not completed.
    """
    token = uuid4()
    unclaimed = Q(thumbs_claim=None) | Q(thumbs_lease_until__lt=Now())
    no_failure = Q(thumbs_error_until=None) | Q(thumbs_error_until__lt=Now())
    acquired = Image.objects.filter(unclaimed, no_failure, id=image_id, status=Status.COMPLETED).update(
        thumbs_claim=token, thumbs_lease_until=from_now(settings.MISSING_THUMBNAIL_LEASE_SECONDS)
    )
    return token if acquired else None


def stored_error_code(image_id: UUID) -> str | None:
    """The error code that `fail` stored for the image; None if there is none, or if its `seconds` have passed."""
    failed = Image.objects.filter(id=image_id, thumbs_error_until__gte=Now())
    return failed.values_list("thumbs_error_code", flat=True).first()


def release(token: UUID) -> None:
    """End the claim without a result."""
    Image.objects.filter(thumbs_claim=token).update(**_UNCLAIMED)


def fail(token: UUID, code: str, seconds: float) -> None:
    """End the claim and store the error code. During the next `seconds`, `acquire` returns None for the image.

    With the code `not_found`, also mark the original as missing.
    """
    mark_missing = {"original_missing": True} if code == "not_found" else {}
    Image.objects.filter(thumbs_claim=token).update(
        thumbs_error_code=code, thumbs_error_until=from_now(seconds), **mark_missing, **_UNCLAIMED
    )


def complete(
    token: UUID, image: ImageValues, generated: Generated, move_files: Callable[[], None] = lambda: None
) -> list[str] | None:
    """Write the rows and end the claim. One transaction of at most five SQL statements.

    Returns None if the claim was lost, or if the row's `source_version` is no longer that of `image`. Otherwise returns
    the keys of the thumbnail files that were replaced and that no row names now. The caller deletes these files. For an
    archive the list is empty: its files are never deleted. `move_files` renames the new files to their keys while the
    image's row is locked, so that a process whose claim was taken over renames nothing.
    """
    with transaction.atomic():
        # A row lock on PostgreSQL; on SQLite the transaction holds the database's write lock.
        claimed = Image.objects.select_for_update().filter(thumbs_claim=token)
        if claimed.values_list("source_version", flat=True).first() != image["source_version"]:
            return None
        move_files()
        old_keys = dict(Thumbnail.objects.filter(image_id=image["id"]).values_list("label", "key"))
        save_thumbnails(generated.rows)
        Image.objects.filter(thumbs_claim=token).update(
            source_version=generated.source_version,
            byte_size=generated.byte_size,
            width=generated.width,
            height=generated.height,
            original_missing=False,
            **_NO_FAILURE,
            **_UNCLAIMED,
        )
    if not is_upload(image["collection"]):
        return []
    new_keys = {**old_keys, **{row["label"]: row["key"] for row in generated.rows}}
    return sorted(set(old_keys.values()) - set(new_keys.values()) - {""})
