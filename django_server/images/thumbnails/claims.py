"""Who makes the missing thumbnails of an image, and what came of it: the only writer of the columns `thumbs_…`.

One flight per image over all processes, by conditional updates; only the database's clock counts. Nothing but the
database is touched inside a transaction, except that finished files are renamed into place by `place`.
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
from images.rows import ImageValues, ThumbnailRow
from images.thumbnail_rules import is_upload
from images.thumbnails.upsert import save_thumbnails

_UNCLAIMED: dict[str, Any] = {"thumbs_claim": None, "thumbs_lease_until": None}
_NO_FAILURE: dict[str, Any] = {"thumbs_error_code": "", "thumbs_error_until": None}


@dataclass(frozen=True)
class Made:
    """Rendered thumbnails of an image, and what is known now of the original they were made from.

    `width` x `height`: the original's, upright, in pixels.
    """

    source_version: str
    byte_size: int
    width: int
    height: int
    rows: Sequence[ThumbnailRow]


def take(image_id: UUID) -> UUID | None:
    """The token of a claim on the image's thumbnails; None while somebody holds one, or a failure is remembered."""
    token = uuid4()
    free = Q(thumbs_claim=None) | Q(thumbs_lease_until__lt=Now())
    no_failure = Q(thumbs_error_until=None) | Q(thumbs_error_until__lt=Now())
    taken = Image.objects.filter(free, no_failure, id=image_id, status=Status.COMPLETED).update(
        thumbs_claim=token, thumbs_lease_until=from_now(settings.COLD_LEASE_SECONDS)
    )
    return token if taken else None


def remembered_failure(image_id: UUID) -> str | None:
    """The code of the failure that is still remembered, if one is."""
    failed = Image.objects.filter(id=image_id, thumbs_error_until__gte=Now())
    return failed.values_list("thumbs_error_code", flat=True).first()


def release(token: UUID) -> None:
    """Give the claim back: nothing came of it, and nothing is to be remembered."""
    Image.objects.filter(thumbs_claim=token).update(**_UNCLAIMED)


def fail(token: UUID, code: str, seconds: float) -> None:
    """Give the claim back and remember for so long why nothing came of it."""
    more = {"original_missing": True} if code == "not_found" else {}
    Image.objects.filter(thumbs_claim=token).update(
        thumbs_error_code=code, thumbs_error_until=from_now(seconds), **more, **_UNCLAIMED
    )


def complete(
    token: UUID, image: ImageValues, made: Made, place: Callable[[], None] = lambda: None
) -> list[str] | None:
    """Write the rows if the claim is still held and the original still the one that was rendered; else None.

    `place` renames the files to their keys while the image's row is locked: a late maker renames nothing. Returns
    the keys of files that the new ones replace and nobody names any more. One transaction of at most five statements.
    """
    with transaction.atomic():
        # Locked on PostgreSQL; on SQLite the transaction holds the one write lock.
        held = Image.objects.select_for_update().filter(thumbs_claim=token)
        if held.values_list("source_version", flat=True).first() != image["source_version"]:
            return None
        place()
        before = dict(Thumbnail.objects.filter(image_id=image["id"]).values_list("label", "key"))
        save_thumbnails(made.rows)
        Image.objects.filter(thumbs_claim=token).update(
            source_version=made.source_version,
            byte_size=made.byte_size,
            width=made.width,
            height=made.height,
            original_missing=False,
            **_NO_FAILURE,
            **_UNCLAIMED,
        )
    if not is_upload(image["collection"]):
        return []
    after = {**before, **{row["label"]: row["key"] for row in made.rows}}
    return sorted(set(before.values()) - set(after.values()) - {""})
