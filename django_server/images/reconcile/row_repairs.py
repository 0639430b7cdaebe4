"""Repairs of rows whose files changed: thumbnails without a file, and originals that are missing, back or replaced.

Beside `thumbnails.claims` the only writer of `original_missing`, `source_version` and `byte_size` of existing images.
Never raises `version`: no job changes. Each function checks storage and row again before it writes, in one small
transaction that skips locked rows; without `apply` it only checks.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, Model, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from filestore.store import StoredFile
from images.models import Image, Thumbnail
from images.storage import storage

# A younger row or file may belong to a running request or worker, or be newer than the listing.
YOUNG = timedelta(hours=1)
AnyModel = TypeVar("AnyModel", bound=Model)


def delete_lost_thumbnails(candidates: Mapping[int, str], *, apply: bool) -> list[str]:
    """Delete thumbnail rows (primary key -> key) without a file; the app then generates them on request.

    Returns the keys of the deleted rows. Raises OSError if the storage is unavailable.
    """
    gone = {id_: key for id_, key in candidates.items() if stored_now(key) is None}
    with transaction.atomic():
        old = Thumbnail.objects.filter(id__in=gone, generated_at__lt=_ago(YOUNG))
        rows = {id_: key for id_, key in _locked(old, apply).values_list("id", "key") if gone[id_] == key}
        if apply:
            Thumbnail.objects.filter(id__in=rows).delete()
    return list(rows.values())


def mark_missing(candidates: Mapping[UUID, str], *, apply: bool) -> list[str]:
    """Mark images (id -> key) whose original is missing. Returns the keys, also of images marked before."""
    gone = {id_: key for id_, key in candidates.items() if stored_now(key) is None}
    with transaction.atomic():
        old = Image.objects.filter(id__in=gone, changed_at__lt=_ago(YOUNG), uploaded_at__lt=_ago(YOUNG))
        keys = dict(_locked(old, apply).values_list("id", "key"))
        if apply:
            Image.objects.filter(id__in=keys, original_missing=False).update(original_missing=True)
    return list(keys.values())


def unmark_missing(candidates: Mapping[UUID, str], *, apply: bool) -> list[str]:
    """Remove the mark from images (id -> key) whose original is back. Returns the keys."""
    back = [id_ for id_, key in candidates.items() if stored_now(key) is not None]
    with transaction.atomic():
        marked = Image.objects.filter(id__in=back, original_missing=True)
        keys = dict(_locked(marked, apply).values_list("id", "key"))
        if apply:
            Image.objects.filter(id__in=keys).update(original_missing=False)
    return list(keys.values())


def renew_versions(candidates: Mapping[UUID, str], *, apply: bool) -> list[str]:
    """Update the versions of replaced originals (id -> key) of archives, which makes their thumbnails stale.

    Returns the keys.
    """
    found = {id_: stored_now(key) for id_, key in candidates.items()}
    with transaction.atomic():
        known = Image.objects.filter(id__in=found).exclude(source_version="")
        changed = [
            Image(id=id_, key=key, source_version=stored.version, byte_size=stored.byte_size)
            for id_, key, version in _locked(known, apply).values_list("id", "key", "source_version")
            if (stored := found[id_]) is not None and stored.version != version
        ]
        if apply:
            Image.objects.bulk_update(changed, ["source_version", "byte_size"], batch_size=200)
    return [image.key for image in changed]


def stored_now(key: str) -> StoredFile | None:
    """The file of that key, None if there is none. Raises OSError if the storage is unavailable."""
    try:
        return storage().store.stat(key)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def _locked(rows: QuerySet[AnyModel], apply: bool) -> QuerySet[AnyModel]:
    # Locked in one order and without waiting, so that reconcilers and generations can't deadlock.
    return rows.select_for_update(skip_locked=True).order_by("pk") if apply else rows


def _ago(span: timedelta) -> Combinable:
    return ExpressionWrapper(Now() - span, output_field=DateTimeField())
