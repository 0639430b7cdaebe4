"""Rows brought in line with the files they name, for `images.reconcile`: thumbnails without a file, and originals that
are missing, back, or others than they were.

Owns, beside `claims`, `original_missing`, `source_version` and `byte_size` of images that are there already. Never
raises `version`: no job changes. Each function looks again at storage and row before it writes, in one small
transaction that leaves out rows somebody else has locked; with `apply` false it only looks.
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

# Younger rows may belong to a request or worker that is not done with them, and listings are older than they.
YOUNG = timedelta(hours=1)
AnyModel = TypeVar("AnyModel", bound=Model)


def delete_lost_thumbnails(suspects: Mapping[int, str], *, apply: bool) -> list[str]:
    """Delete rows (number -> key) whose file is gone: their URLs lead to the app then, which makes them anew.

    Returns the keys of those it was true of. Raises OSError when the storage does not answer.
    """
    gone = {id_: key for id_, key in suspects.items() if stored_now(key) is None}
    with transaction.atomic():
        old = Thumbnail.objects.filter(id__in=gone, generated_at__lt=_ago(YOUNG))
        rows = {id_: key for id_, key in _held(old, apply).values_list("id", "key") if gone[id_] == key}
        if apply:
            Thumbnail.objects.filter(id__in=rows).delete()
    return list(rows.values())


def mark_missing(suspects: Mapping[UUID, str], *, apply: bool) -> list[str]:
    """Mark images (id -> key) whose original is gone. Returns the keys, also of those marked before."""
    gone = {id_: key for id_, key in suspects.items() if stored_now(key) is None}
    with transaction.atomic():
        old = Image.objects.filter(id__in=gone, changed_at__lt=_ago(YOUNG), uploaded_at__lt=_ago(YOUNG))
        keys = dict(_held(old, apply).values_list("id", "key"))
        if apply:
            Image.objects.filter(id__in=keys, original_missing=False).update(original_missing=True)
    return list(keys.values())


def unmark_missing(suspects: Mapping[UUID, str], *, apply: bool) -> list[str]:
    """Take the mark from images (id -> key) whose original is there again. Returns the keys."""
    back = [id_ for id_, key in suspects.items() if stored_now(key) is not None]
    with transaction.atomic():
        marked = Image.objects.filter(id__in=back, original_missing=True)
        keys = dict(_held(marked, apply).values_list("id", "key"))
        if apply:
            Image.objects.filter(id__in=keys).update(original_missing=False)
    return list(keys.values())


def renew_versions(suspects: Mapping[UUID, str], *, apply: bool) -> list[str]:
    """Note what names the originals (id -> key) of archives now, where it is not what their rows say.

    Their thumbnails were made of other bytes: they turn cold, and are made anew. Returns the keys.
    """
    found = {id_: stored_now(key) for id_, key in suspects.items()}
    with transaction.atomic():
        known = Image.objects.filter(id__in=found).exclude(source_version="")
        changed = [
            Image(id=id_, key=key, source_version=stored.version, byte_size=stored.byte_size)
            for id_, key, version in _held(known, apply).values_list("id", "key", "source_version")
            if (stored := found[id_]) is not None and stored.version != version
        ]
        if apply:
            Image.objects.bulk_update(changed, ["source_version", "byte_size"], batch_size=200)
    return [image.key for image in changed]


def stored_now(key: str) -> StoredFile | None:
    """The file of that key as it is now, if there is one. Raises OSError when the storage does not answer."""
    try:
        return storage().store.stat(key)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None


def _held(rows: QuerySet[AnyModel], apply: bool) -> QuerySet[AnyModel]:
    # In one order, and never waiting: two reconcilers, or one and a maker, can't stand in each other's way.
    return rows.select_for_update(skip_locked=True).order_by("pk") if apply else rows


def _ago(span: timedelta) -> Combinable:
    return ExpressionWrapper(Now() - span, output_field=DateTimeField())
