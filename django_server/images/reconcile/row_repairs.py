"""Repair rows whose files changed: thumbnails without a file, and originals that are missing, back or replaced.

Of existing images, only this module, `thumbnails.generation_claims` and `registration.register` write
`original_missing`, `source_version` and `byte_size`. `version` is not raised, because no job changes. Each function
checks the storage and then the row again before it writes, in a small transaction that skips locked rows. Without
`apply` nothing is written.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, Model, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from filestore.store import StoredFile
from images.models import Image, Thumbnail
from images.storage import storage

# Younger rows and files are not repaired: a request or worker may still be writing them, or they are newer than the
# listing of the storage.
MIN_AGE = timedelta(hours=1)
AnyModel = TypeVar("AnyModel", bound=Model)


class Repaired(NamedTuple):
    """The keys that were repaired, and the number of confirmed differences that were passed over.

    A difference is passed over if its row or file is young, or in use by another process.
    """

    keys: list[str]
    passed_over: int


def delete_lost_thumbnails(candidates: Mapping[int, str], older_than: timedelta, *, apply: bool) -> Repaired:
    """Delete thumbnail rows (primary key -> key) without a file. Their thumbnails are then generated on request.

    Returns the keys of the deleted rows. Raises OSError if the storage is unavailable.
    """
    without_file = {id_: key for id_, key in candidates.items() if stored_file_or_none(key) is None}
    with transaction.atomic():
        all_ages = Thumbnail.objects.filter(id__in=without_file, key__in=without_file.values())
        old = all_ages.filter(generated_at__lt=_ago(older_than))
        rows = {
            id_: key
            for id_, key in _with_lock(old, apply).values_list("id", "key")
            if without_file[id_] == key
        }
        passed_over = all_ages.exclude(id__in=rows).count()
        if apply:
            Thumbnail.objects.filter(id__in=rows).delete()
    return Repaired(list(rows.values()), passed_over)


def mark_missing(candidates: Mapping[UUID, str], older_than: timedelta, *, apply: bool) -> Repaired:
    """Mark images (id -> key) whose original is missing. Returns their keys, including those marked before."""
    without_file = {id_: key for id_, key in candidates.items() if stored_file_or_none(key) is None}
    with transaction.atomic():
        all_ages = Image.objects.filter(id__in=without_file)
        old = all_ages.filter(changed_at__lt=_ago(older_than), uploaded_at__lt=_ago(older_than))
        keys = dict(_with_lock(old, apply).values_list("id", "key"))
        passed_over = all_ages.exclude(id__in=keys).count()
        if apply:
            Image.objects.filter(id__in=keys, original_missing=False).update(original_missing=True)
    return Repaired(list(keys.values()), passed_over)


def unmark_missing(candidates: Mapping[UUID, str], _older_than: timedelta, *, apply: bool) -> Repaired:
    """Mark images (id -> key) as not missing when their original is back. Returns their keys."""
    back = [id_ for id_, key in candidates.items() if stored_file_or_none(key) is not None]
    with transaction.atomic():
        marked = Image.objects.filter(id__in=back, original_missing=True)
        keys = dict(_with_lock(marked, apply).values_list("id", "key"))
        passed_over = marked.exclude(id__in=keys).count()
        if apply:
            Image.objects.filter(id__in=keys).update(original_missing=False)
    return Repaired(list(keys.values()), passed_over)


def update_source_versions(
    candidates: Mapping[UUID, str], _older_than: timedelta, *, apply: bool
) -> Repaired:
    """Update `source_version` and `byte_size` of images (id -> key) of archives whose original was replaced.

    The new version makes their thumbnails stale. Returns the keys of the images.
    """
    stored_by_id = {id_: stored_file_or_none(key) for id_, key in candidates.items()}
    with transaction.atomic():
        versioned = Image.objects.filter(id__in=stored_by_id).exclude(source_version="")
        # Locked first: another reconciliation may have updated these rows meanwhile.
        free = set(_with_lock(versioned, apply).values_list("id", flat=True))
        changed = [
            Image(id=id_, key=key, source_version=stored.version, byte_size=stored.byte_size)
            for id_, key, version in versioned.values_list("id", "key", "source_version")
            if (stored := stored_by_id[id_]) is not None and stored.version != version
        ]
        renewed = [image for image in changed if image.id in free]
        if apply:
            Image.objects.bulk_update(renewed, ["source_version", "byte_size"], batch_size=200)
    return Repaired([image.key for image in renewed], len(changed) - len(renewed))


def stored_file_or_none(key: str) -> StoredFile | None:
    """The metadata of the file with this key; None if there is none. Raises OSError if the storage is unavailable."""
    try:
        return storage().store.stat(key)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def _with_lock(rows: QuerySet[AnyModel], apply: bool) -> QuerySet[AnyModel]:
    """`rows`, with `apply` as a query that locks them."""
    # In one order and without waiting, so that reconciliations and thumbnail generations can't deadlock.
    return rows.select_for_update(skip_locked=True).order_by("pk") if apply else rows


def _ago(span: timedelta) -> Combinable:
    return ExpressionWrapper(Now() - span, output_field=DateTimeField())
