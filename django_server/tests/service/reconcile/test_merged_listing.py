"""Storage and rows are read together: in the same order for any names, and in bounded memory."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from filestore.local import LocalStore
from filestore.store import StoredFile
from images.models import Image, Status, Thumbnail
from images.reconcile.compare import reconcile
from images.reconcile.merged_listing import (
    ImageKeyRow,
    ThumbnailKeyRow,
    image_rows,
    merge_by_key,
    thumbnail_rows,
)
from tests.support.fuzz.effort import search
from tests.support.images.statement_count import statements

pytestmark = pytest.mark.django_db(transaction=True)

_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
_ANY_ID = UUID(int=0)
# Characters that sort differently by language and by bytes, and those around the slash.
_LETTERS = "aAbBzZ019_-. ,()+é́ßñÉ京🍄‮0/"
_part = st.text(_LETTERS.replace("/", ""), min_size=1, max_size=6).filter(
    lambda part: part not in (".", "..")
)
_key = st.lists(_part, min_size=1, max_size=3).map("/".join)


def image_row(key: str, collection: str = "fungi") -> Image:
    return Image(
        collection=collection,
        name="name",
        key=key,
        byte_size=1,
        media_type="image/jpeg",
        source_version="",
        status=Status.COMPLETED,
        uploaded_at=_LONG_AGO,
        finished_at=_LONG_AGO,
        changed_at=_LONG_AGO,
    )


def thumbnail_row(image: Image, key: str) -> Thumbnail:
    return Thumbnail(
        image=image, label="small", key=key, scale=240, byte_size=1, source_version="", generated_at=_LONG_AGO
    )


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@search(60, a_second=20)
@given(st.sets(_key, max_size=40))
def test_rows_and_files_come_in_the_same_order_whatever_their_names(names: set[str]) -> None:
    keys = [f"attachments/fungi/{name}" for name in names]
    with rolled_back():
        images = Image.objects.bulk_create([image_row(key) for key in keys])
        Thumbnail.objects.bulk_create([thumbnail_row(image, image.key) for image in images])
        in_rows = [row.key for row in image_rows("attachments/")]
        assert in_rows == sorted(keys, key=os.fsencode)
        assert [row.key for row in thumbnail_rows("attachments/")] == in_rows


@search(60, a_second=20)
@given(st.sets(_key, max_size=40))
def test_a_storage_lists_in_the_order_of_the_rows(tmp_path_factory: Any, names: set[str]) -> None:
    root = tmp_path_factory.mktemp("listed")
    stored = set()
    for name in names:
        path = Path(root, "attachments", name)
        # A name can't be a file and a folder.
        if not path.exists() and not any(parent.is_file() for parent in path.parents):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            stored.add(f"attachments/{name}")
    listed = [file.key for file in LocalStore(root).list("attachments")]
    assert listed == sorted(stored, key=os.fsencode)


@search(80, a_second=100)
@given(st.sets(_key), st.sets(_key), st.lists(_key))
def test_the_merge_combines_three_streams_per_key(
    stored: set[str], images: set[str], thumbnails: list[str]
) -> None:
    in_order = [sorted(names, key=os.fsencode) for names in ({*stored, "not\udce9text"}, images, thumbnails)]
    merging = merge_by_key(
        [StoredFile(key, 1, 1) for key in in_order[0]],
        [ImageKeyRow(_ANY_ID, key, "", "", original_missing=False) for key in in_order[1]],
        [ThumbnailKeyRow(number, key) for number, key in enumerate(in_order[2])],
    )
    seen = {known.key: known for known in merging}
    assert list(seen) == sorted({*in_order[0], *images, *thumbnails}, key=os.fsencode)
    for key, known in seen.items():
        assert (known.stored is not None) == (key in in_order[0])
        assert (known.image is not None) == (key in images)
        assert [row.key for row in known.thumbnails] == [key] * thumbnails.count(key)


def test_a_collection_whose_name_begins_like_another_is_kept_apart() -> None:
    keys = [f"attachments/{name}/originals/x.jpg" for name in ("a", "a-b", "a0", "a b", "A", "aa")]
    Image.objects.bulk_create([image_row(key) for key in keys])
    assert [row.key for row in image_rows("attachments/a/")] == [keys[0]]
    assert len(list(image_rows("attachments/"))) == len(list(image_rows(""))) == 6


def test_each_thumbnail_of_a_shared_key_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("images.reconcile.merged_listing._PAGE_ROWS", 3)
    images = Image.objects.bulk_create([image_row(f"k/{number}") for number in range(20)])
    rows = [thumbnail_row(image, f"t/{number // 8}") for number, image in enumerate(images)]
    Thumbnail.objects.bulk_create(rows)
    seen = list(thumbnail_rows(""))
    assert len({row.id for row in seen}) == len(seen) == 20


def test_a_page_is_read_from_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("images.reconcile.merged_listing._PAGE_ROWS", 100)
    _rows_of_an_archive(5000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    for rows, index in ((image_rows, "key"), (thumbnail_rows, "thumbnail_key_bytes")):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            stream = rows("attachments/")
            for _ in range(150):
                next(stream)
        explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        for statement in statements(captured):
            with connection.cursor() as cursor:
                cursor.execute(f"{explain} {statement}".replace("%", "%%"))
                plan = str(cursor.fetchall())
            assert "Seq Scan" not in plan
            assert "SCAN images" not in plan
            assert index in plan


@pytest.mark.skipif(connection.vendor == "sqlite", reason="the same Python, and a minute")
def test_comparing_100000_files_and_rows_takes_two_megabytes_at_most(tmp_path: Path) -> None:
    # 25,000 originals, 75,000 thumbnails; a thousandth of either is missing.
    _rows_of_an_archive(25_000)
    for one in (Image, Thumbnail):
        _link_all(tmp_path / one.__name__, list(one.objects.order_by("key").values_list("key", flat=True)))
    blocks = [sys.getallocatedblocks()]
    report = reconcile(apply=True, progress=lambda _: blocks.append(sys.getallocatedblocks()))
    assert (report.files, report.rows) == (99_900, 100_000)
    assert dict(report.found) == {"original_missing": 25, "thumbnail_without_file": 75}
    # Each file or row in memory is three blocks or more. Measured: 17,000, which tracemalloc (five times as slow)
    # weighs as 1.3 MB at most.
    assert len(blocks) > 200
    assert max(blocks) - blocks[0] < 60_000


def _rows_of_an_archive(count: int) -> None:
    """`count` images with thumbnails of three scales, inserted by SQL: as Python objects they would take a minute."""
    first = image_row("first")
    first.save()
    columns = (str(field.column) for field in Image._meta.concrete_fields if field.name not in ("id", "key"))
    new_id = "gen_random_uuid()" if connection.vendor == "postgresql" else "lower(hex(randomblob(16)))"
    with connection.cursor() as cursor:
        cursor.execute(_MORE_IMAGES.format(columns=", ".join(columns), new_id=new_id, count=count))
        first.delete()
        cursor.execute(_THEIR_THUMBNAILS)


_MORE_IMAGES = """
    INSERT INTO images_image (id, key, {columns})
    WITH RECURSIVE counted(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM counted WHERE number < {count})
    SELECT {new_id}, 'attachments/fungi/originals/' || (number * 7919 % 100) || '/' || number || '.jpg', {columns}
    FROM counted, images_image WHERE key = 'first'
"""
_THEIR_THUMBNAILS = """
    INSERT INTO images_thumbnail
        (image_id, label, scale, byte_size, source_version, recipe, generated_at, key)
    SELECT id, CAST(pixels AS varchar(9)), pixels, 1, '', '', changed_at,
        replace(replace(key, 'originals', 'thumbnails'), '.jpg', '_' || pixels || '.jpg')
    FROM images_image, (SELECT 240 AS pixels UNION SELECT 1024 UNION SELECT 1500) AS scales
"""


def _link_all(folder: Path, keys: list[str]) -> None:
    """Create a hard link for each key but every thousandth, to a few files: a file can have 65,000 links."""
    folder.mkdir()
    for number, key in enumerate(keys):
        source = folder / str(number // 30_000)
        target = Path(settings.MEDIA_ROOT, key)
        if number % 30_000 == 0:
            source.touch()
        if number % 1000 == 0:
            continue
        try:
            os.link(source, target)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(source, target)
