"""Delete files of uploads that no row names: left by a crashed process, or of a size that is no longer configured.

Files of archives are never deleted (`findings.image_id_of_upload_key`).
"""

import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from images.models import FINAL_STATUSES, Image, Thumbnail
from images.reconcile.findings import image_id_of_upload_key
from images.reconcile.merged_listing import with_key_bytes
from images.reconcile.row_repairs import YOUNG, stored_now
from images.storage import storage


def delete_orphans(keys: Sequence[str], *, apply: bool) -> list[str]:
    """Delete those files that no row names, that are an hour old, and whose image has no claim.

    Returns their keys; without `apply` nothing is deleted. Raises OSError if the storage is unavailable.
    """
    images = {
        key: image_id
        for key in keys
        if (image_id := image_id_of_upload_key(key)) and not _is_spooled(image_id)
    }
    with transaction.atomic():
        free = _unnamed(images, apply)
        # A generation renames its files while it locks the image's row, which is locked here now.
        if storage().moves_by_rename:
            return [key for key in free if _delete_if_old(key, apply)]
    # No network request inside a transaction.
    return [key for key in free if _delete_if_old(key, apply)]


def _is_spooled(image_id: UUID) -> bool:
    """Whether a request may be about to commit the row: it deletes its spool file after that. Check before the rows."""
    return (settings.INCOMING_ROOT / str(image_id)).exists()


def _unnamed(images: "dict[str, UUID]", apply: bool) -> list[str]:
    """The keys that no row names, of deleted images and of unclaimed ones, whose rows are locked by this."""
    known = Image.objects.filter(Q(id__in=set(images.values())) | Q(key__in=images))
    existing = set(known.values_list("id", flat=True))
    unclaimed = known.filter(
        Q(thumbs_claim=None) | Q(thumbs_lease_until__lt=Now()), status__in=[*FINAL_STATUSES]
    ).order_by("id")
    locked = set(
        (unclaimed.select_for_update(skip_locked=True) if apply else unclaimed).values_list("id", flat=True)
    )
    named = _named(images)
    return [
        key
        for key, image_id in images.items()
        if key not in named and (image_id in locked or image_id not in existing)
    ]


def _named(keys: Collection[str]) -> set[str]:
    return {
        *with_key_bytes(Image.objects.all()).filter(key_bytes__in=keys).values_list("key", flat=True),
        *with_key_bytes(Thumbnail.objects.all()).filter(key_bytes__in=keys).values_list("key", flat=True),
    }


def _delete_if_old(key: str, apply: bool) -> bool:
    stored = stored_now(key)
    if stored is None or time.time() - stored.modified_ns / 1e9 < YOUNG.total_seconds():
        return False
    if apply:
        with suppress(FileNotFoundError):
            storage().delete(key)
    return True
