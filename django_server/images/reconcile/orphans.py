"""Delete orphans: files of uploads that no row names.

A crashed process leaves orphans, and so does a change of the configured sizes. Files of archives are never deleted (see
`findings.image_id_of_upload_key`).
"""

import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from images.models import FINAL_STATUSES, Image, Thumbnail
from images.reconcile.findings import image_id_of_upload_key
from images.reconcile.merged_listing import with_key_bytes
from images.reconcile.row_repairs import Repaired, stored_file_or_none
from images.storage import storage


def delete_orphans(keys: Sequence[str], older_than: timedelta, *, apply: bool) -> Repaired:
    """Delete the files that no row names, that are older than `older_than`, and whose image is deleted or not claimed.

    Returns the keys of these files. Without `apply`, nothing is deleted. Raises OSError if the storage is unavailable.
    """
    deleted = _delete_unused(keys, older_than, apply=apply)
    left = set(keys).difference(deleted)
    passed_over = [key for key in left - _keys_with_a_row(left) if stored_file_or_none(key) is not None]
    return Repaired(deleted, len(passed_over))


def _delete_unused(keys: Sequence[str], older_than: timedelta, *, apply: bool) -> list[str]:
    ids_by_key = {
        key: image_id
        for key in keys
        if (image_id := image_id_of_upload_key(key)) and not _is_spooled(image_id)
    }
    with transaction.atomic():
        deletable = _deletable(ids_by_key, apply)
        # Delete before the transaction ends: a thumbnail generation renames its files to their keys only while it has
        # the lock on the image's row.
        if storage().moves_by_rename:
            return [key for key in deletable if _delete_if_old(key, older_than, apply)]
    # Delete after the transaction, because it must not wait for network requests.
    return [key for key in deletable if _delete_if_old(key, older_than, apply)]


def _is_spooled(image_id: UUID) -> bool:
    """Whether an upload request may be about to commit the image's row. Call it before reading the rows.

    The request writes the upload to a spool file in INCOMING_ROOT, and deletes that file after the commit.
    """
    return (settings.INCOMING_ROOT / str(image_id)).exists()


def _deletable(ids_by_key: "dict[str, UUID]", apply: bool) -> list[str]:
    """The keys that no row names and whose image is deleted, or final and not claimed.

    With `apply`, the rows of these images are locked. Keys whose image is locked by another process are left out.
    """
    images = Image.objects.filter(Q(id__in=set(ids_by_key.values())) | Q(key__in=ids_by_key))
    existing_ids = set(images.values_list("id", flat=True))
    unclaimed = images.filter(
        Q(thumbs_claim=None) | Q(thumbs_lease_until__lt=Now()), status__in=[*FINAL_STATUSES]
    ).order_by("id")
    deletable_ids = set(
        (unclaimed.select_for_update(skip_locked=True) if apply else unclaimed).values_list("id", flat=True)
    )
    keys_with_row = _keys_with_a_row(ids_by_key)
    return [
        key
        for key, image_id in ids_by_key.items()
        if key not in keys_with_row and (image_id in deletable_ids or image_id not in existing_ids)
    ]


def _keys_with_a_row(keys: Collection[str]) -> set[str]:
    return {
        *with_key_bytes(Image.objects.all()).filter(key_bytes__in=keys).values_list("key", flat=True),
        *with_key_bytes(Thumbnail.objects.all()).filter(key_bytes__in=keys).values_list("key", flat=True),
    }


def _delete_if_old(key: str, older_than: timedelta, apply: bool) -> bool:
    stored = stored_file_or_none(key)
    if stored is None or time.time() - stored.modified_ns / 1e9 < older_than.total_seconds():
        return False
    if apply:
        with suppress(FileNotFoundError):
            storage().delete(key)
    return True
