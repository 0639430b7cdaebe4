"""Read the files of a storage together with the rows that name them, in byte order of key and in bounded memory.

Three sorted streams are merged (files, images, thumbnails), so that no file needs a look-up of its own. Rows are read
in pages, each starting after the last key of the page before. Django's `iterator()` is not used: through PgBouncer in
transaction mode it would fetch all rows at once.
"""

import heapq
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Collate

from filestore.store import StoredFile
from images.models import Image, Thumbnail

_PAGE_ROWS = 1000


@dataclass(frozen=True, slots=True)
class ImageKeyRow:
    """The columns of an image's row that describe its original."""

    id: UUID
    key: str
    collection: str
    source_version: str
    original_missing: bool


@dataclass(frozen=True, slots=True)
class ThumbnailKeyRow:
    """The primary key of a thumbnail's row, and its key."""

    id: int
    key: str


@dataclass(frozen=True, slots=True)
class KeyState:
    """The file and the rows of one key."""

    key: str
    stored: StoredFile | None
    image: ImageKeyRow | None
    thumbnails: tuple[ThumbnailKeyRow, ...]

    @property
    def rows(self) -> int:
        """The number of rows that name this key."""
        return len(self.thumbnails) + (self.image is not None)


KeyedEntry = StoredFile | ImageKeyRow | ThumbnailKeyRow
Row = TypeVar("Row", ImageKeyRow, ThumbnailKeyRow)


def merge_by_key(
    stored: Iterable[StoredFile], images: Iterable[ImageKeyRow], thumbnails: Iterable[ThumbnailKeyRow]
) -> Iterator[KeyState]:
    """The state of each key, from three streams in byte order of key. Pure, except that it reads the streams."""
    streams = (_with_sort_key(stream) for stream in (stored, images, thumbnails))
    for _, same_key in groupby(heapq.merge(*streams, key=itemgetter(0)), key=itemgetter(0)):
        yield _key_state([entry for _, entry in same_key])


def image_rows(prefix: str) -> Iterator[ImageKeyRow]:
    """The rows of images whose keys begin with `prefix`, in byte order of key."""
    return _paged(_with_prefix(Image.objects.all(), prefix), ImageKeyRow)


def thumbnail_rows(prefix: str) -> Iterator[ThumbnailKeyRow]:
    """The rows of thumbnails whose keys begin with `prefix`, in byte order of key.

    Rows with a blank key name no file and are left out.
    """
    return _paged(_with_prefix(Thumbnail.objects.exclude(key=""), prefix), ThumbnailKeyRow)


def has_rows(prefix: str) -> bool:
    """Whether any row names a file whose key begins with `prefix`."""
    return (
        _with_prefix(Image.objects.all(), prefix).exists()
        or _with_prefix(Thumbnail.objects.all(), prefix).exists()
    )


def count_rows(prefix: str) -> int:
    """The number of rows that name a file whose key begins with `prefix`."""
    return (
        _with_prefix(Image.objects.all(), prefix).count()
        + _with_prefix(Thumbnail.objects.all(), prefix).count()
    )


def with_key_bytes(rows: QuerySet[Any]) -> QuerySet[Any]:
    """The rows with the alias `key_bytes` to filter and order by. Migration 0004 has an index on its expression."""
    # PostgreSQL's default collation orders by the rules of a language; SQLite's compares bytes.
    key_bytes: Combinable = Collate("key", "C") if connection.vendor == "postgresql" else F("key")
    keyed: QuerySet[Any] = rows.alias(key_bytes=key_bytes)
    return keyed


def _with_prefix(rows: QuerySet[Any], prefix: str) -> QuerySet[Any]:
    keyed = with_key_bytes(rows)
    # `0` is the character after `/`. So all keys that begin with `prefix`, and no others, are in this range.
    return keyed.filter(key_bytes__gte=prefix, key_bytes__lt=f"{prefix[:-1]}0") if prefix else keyed


def _paged(rows: QuerySet[Any], row: Callable[..., Row]) -> Iterator[Row]:
    """`rows`, read with one SQL statement per page. Ordered by primary key too, because thumbnails may share a key."""
    fields = tuple(row.__dataclass_fields__)  # type: ignore[attr-defined]
    in_order = rows.order_by("key_bytes", "id")
    page = _read_page(in_order, row, fields)
    while page:
        yield from page
        last = page[-1]
        if len(page) < _PAGE_ROWS:
            return
        after_last = Q(key_bytes__gt=last.key) | Q(id__gt=last.id)
        # The first condition uses the index; the second one excludes rows that have been read.
        page = _read_page(in_order.filter(Q(key_bytes__gte=last.key), after_last), row, fields)


def _read_page(rows: QuerySet[Any], row: Callable[..., Row], fields: tuple[str, ...]) -> list[Row]:
    return [row(*values) for values in rows.values_list(*fields)[:_PAGE_ROWS]]


def _with_sort_key(stream: Iterable[KeyedEntry]) -> Iterator[tuple[bytes, KeyedEntry]]:
    # File names may have bytes that are not UTF-8; fsencode restores them.
    return ((os.fsencode(entry.key), entry) for entry in stream)


def _key_state(same_key: list[KeyedEntry]) -> KeyState:
    stored: StoredFile | None = None
    image: ImageKeyRow | None = None
    thumbnails: tuple[ThumbnailKeyRow, ...] = ()
    for entry in same_key:
        if isinstance(entry, StoredFile):
            stored = entry
        elif isinstance(entry, ImageKeyRow):
            image = entry
        else:
            thumbnails = (*thumbnails, entry)
    return KeyState(same_key[0].key, stored, image, thumbnails)
