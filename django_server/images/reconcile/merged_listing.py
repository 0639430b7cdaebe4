"""Read the files of a storage and the rows that name them together, in byte order of key and in bounded memory.

A merge of three sorted streams, without a look-up per file. Repairs nothing. Rows are paged by keyset: an iterator
would use a cursor, which PgBouncer's transaction mode turns into one fetch of everything.
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
class ImageAt:
    """The columns of an image's row that describe its original."""

    id: UUID
    key: str
    collection: str
    source_version: str
    original_missing: bool


@dataclass(frozen=True, slots=True)
class ThumbnailAt:
    """The primary key of a thumbnail's row, and its key."""

    id: int
    key: str


@dataclass(frozen=True, slots=True)
class KeyState:
    """The file and the rows of one key."""

    key: str
    stored: StoredFile | None
    image: ImageAt | None
    thumbnails: tuple[ThumbnailAt, ...]

    @property
    def rows(self) -> int:
        return len(self.thumbnails) + (self.image is not None)


Keyed = StoredFile | ImageAt | ThumbnailAt
Row = TypeVar("Row", ImageAt, ThumbnailAt)


def merged(
    stored: Iterable[StoredFile], images: Iterable[ImageAt], thumbnails: Iterable[ThumbnailAt]
) -> Iterator[KeyState]:
    """The state of each key, from three streams in byte order of key. Pure but for reading the streams."""
    streams = (_with_bytes(stream) for stream in (stored, images, thumbnails))
    for _, same_key in groupby(heapq.merge(*streams, key=itemgetter(0)), key=itemgetter(0)):
        yield _key_state([one for _, one in same_key])


def image_rows(head: str) -> Iterator[ImageAt]:
    """The rows of images whose keys begin with `head` (empty, or ending in a slash), in byte order of key."""
    return _paged(_below(Image.objects.all(), head), ImageAt)


def thumbnail_rows(head: str) -> Iterator[ThumbnailAt]:
    """The same for thumbnails. Rows with a blank key name no file and are left out."""
    return _paged(_below(Thumbnail.objects.exclude(key=""), head), ThumbnailAt)


def has_rows(head: str) -> bool:
    """Whether any row names a file whose key begins with `head`."""
    return _below(Image.objects.all(), head).exists() or _below(Thumbnail.objects.all(), head).exists()


def count_rows(head: str) -> int:
    """The number of such rows."""
    return _below(Image.objects.all(), head).count() + _below(Thumbnail.objects.all(), head).count()


def with_key_bytes(rows: QuerySet[Any]) -> QuerySet[Any]:
    """The rows with `key_bytes` to filter and order by: the expression that migration 0004 indexes."""
    # PostgreSQL's default collation orders by language. SQLite compares bytes.
    key_bytes: Combinable = Collate("key", "C") if connection.vendor == "postgresql" else F("key")
    keyed: QuerySet[Any] = rows.alias(key_bytes=key_bytes)
    return keyed


def _below(rows: QuerySet[Any], head: str) -> QuerySet[Any]:
    in_bytes = with_key_bytes(rows)
    # `0` is the character after `/`: every key that begins with the head lies between the two.
    return in_bytes.filter(key_bytes__gte=head, key_bytes__lt=f"{head[:-1]}0") if head else in_bytes


def _paged(rows: QuerySet[Any], row: Callable[..., Row]) -> Iterator[Row]:
    """`rows`, one page per statement. Thumbnails may share a key: the primary key makes the order total."""
    fields = tuple(row.__dataclass_fields__)  # type: ignore[attr-defined]
    in_order = rows.order_by("key_bytes", "id")
    page = _read(in_order, row, fields)
    while page:
        yield from page
        last = page[-1]
        if len(page) < _PAGE_ROWS:
            return
        later = Q(key_bytes__gt=last.key) | Q(id__gt=last.id)
        # The index serves the first condition; the second skips rows already read.
        page = _read(in_order.filter(Q(key_bytes__gte=last.key), later), row, fields)


def _read(rows: QuerySet[Any], row: Callable[..., Row], fields: tuple[str, ...]) -> list[Row]:
    return [row(*values) for values in rows.values_list(*fields)[:_PAGE_ROWS]]


def _with_bytes(stream: Iterable[Keyed]) -> Iterator[tuple[bytes, Keyed]]:
    # File names need not be UTF-8; fsencode restores their bytes.
    return ((os.fsencode(one.key), one) for one in stream)


def _key_state(same_key: list[Keyed]) -> KeyState:
    stored: StoredFile | None = None
    image: ImageAt | None = None
    thumbnails: tuple[ThumbnailAt, ...] = ()
    for one in same_key:
        if isinstance(one, StoredFile):
            stored = one
        elif isinstance(one, ImageAt):
            image = one
        else:
            thumbnails = (*thumbnails, one)
    return KeyState(same_key[0].key, stored, image, thumbnails)
