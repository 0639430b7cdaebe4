"""Files of ours that no row names any more: left by a process that died, or of a size that is not made any more.

Owns their deletion. Nothing of an archive gets here (`judge.image_of_our_file`).
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
from images.reconcile.findings import image_of_our_file
from images.reconcile.merged_listing import with_key_bytes
from images.reconcile.row_repairs import YOUNG, stored_now
from images.storage import storage


def delete_orphans(keys: Sequence[str], *, apply: bool) -> list[str]:
    """Delete those files that no row names, that are an hour old, and whose image nobody works on.

    Returns their keys; with `apply` false they stay. Raises OSError when the storage does not answer.
    """
    images = {
        key: image_id for key in keys if (image_id := image_of_our_file(key)) and not _is_spooled(image_id)
    }
    with transaction.atomic():
        free = _free(images, apply)
        # A maker renames its files to their keys while it holds the image's row, which is held here now.
        if storage().moves_by_rename:
            return [key for key in free if _delete_if_old(key, apply)]
    # No storage is asked over a network inside a transaction.
    return [key for key in free if _delete_if_old(key, apply)]


def _is_spooled(image_id: UUID) -> bool:
    """Whether a request may be about to commit its row: its spool file goes after that. Looked at before the rows."""
    return (settings.INCOMING_ROOT / str(image_id)).exists()


def _free(images: "dict[str, UUID]", apply: bool) -> list[str]:
    """The keys that no row names, of images that are gone or, held until the transaction ends, at rest."""
    known = Image.objects.filter(Q(id__in=set(images.values())) | Q(key__in=images))
    there = set(known.values_list("id", flat=True))
    resting = known.filter(
        Q(thumbs_claim=None) | Q(thumbs_lease_until__lt=Now()), status__in=[*FINAL_STATUSES]
    ).order_by("id")
    held = set(
        (resting.select_for_update(skip_locked=True) if apply else resting).values_list("id", flat=True)
    )
    named = _named(images)
    return [
        key
        for key, image_id in images.items()
        if key not in named and (image_id in held or image_id not in there)
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
