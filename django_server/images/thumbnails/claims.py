"""Claims on generating an image's missing thumbnails, with a lease: the only writer of the columns `thumbs_…`.

At most one claim per image over all processes, by conditional updates; only the database's clock counts. A transaction
here touches nothing but the database, except that `move_files` renames finished files to their keys.
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
    """Rendered thumbnails of an image, and the state of the original they were rendered from.

    `width` x `height`: of the original, upright, in pixels.
    """

    source_version: str
    byte_size: int
    width: int
    height: int
    rows: Sequence[ThumbnailRow]


def acquire(image_id: UUID) -> UUID | None:
    """The token of a new claim on the image's thumbnails; None while another is valid or a failure is remembered."""
    token = uuid4()
    free = Q(thumbs_claim=None) | Q(thumbs_lease_until__lt=Now())
    no_failure = Q(thumbs_error_until=None) | Q(thumbs_error_until__lt=Now())
    acquired = Image.objects.filter(free, no_failure, id=image_id, status=Status.COMPLETED).update(
        thumbs_claim=token, thumbs_lease_until=from_now(settings.COLD_LEASE_SECONDS)
    )
    return token if acquired else None


def remembered_failure(image_id: UUID) -> str | None:
    """The error code of the last generation while it is remembered, else None."""
    failed = Image.objects.filter(id=image_id, thumbs_error_until__gte=Now())
    return failed.values_list("thumbs_error_code", flat=True).first()


def release(token: UUID) -> None:
    """End the claim without a result."""
    Image.objects.filter(thumbs_claim=token).update(**_UNCLAIMED)


def fail(token: UUID, code: str, seconds: float) -> None:
    """End the claim and remember the error code for `seconds`."""
    more = {"original_missing": True} if code == "not_found" else {}
    Image.objects.filter(thumbs_claim=token).update(
        thumbs_error_code=code, thumbs_error_until=from_now(seconds), **more, **_UNCLAIMED
    )


def complete(
    token: UUID, image: ImageValues, generated: Generated, move_files: Callable[[], None] = lambda: None
) -> list[str] | None:
    """Write the rows and end the claim. None if the claim is lost or the original is no longer the rendered one.

    `move_files` renames the files to their keys while the image's row is locked, so that a process whose claim expired
    renames nothing. Returns the keys of replaced files that no row names any more. One transaction, at most five
    statements.
    """
    with transaction.atomic():
        # A row lock on PostgreSQL; on SQLite the transaction holds the database's write lock.
        claimed = Image.objects.select_for_update().filter(thumbs_claim=token)
        if claimed.values_list("source_version", flat=True).first() != image["source_version"]:
            return None
        move_files()
        before = dict(Thumbnail.objects.filter(image_id=image["id"]).values_list("label", "key"))
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
    after = {**before, **{row["label"]: row["key"] for row in generated.rows}}
    return sorted(set(before.values()) - set(after.values()) - {""})
