"""`DELETE FROM images` in PostgreSQL does what `manage.py delete` does: rows, files, events."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.test.utils import override_settings
from redis import Redis

from images.models import Batch, Image, RemovedImage, Thumbnail
from images.processing import transitions
from images.processing.worker_loop import process
from images.reconcile.compare import reconcile
from images.reconcile.findings import Finding
from images.sweeper import sweep
from tests.support.images.old_images import archived, uploaded
from tests.support.images.pictures import jpeg, pending_images

pytestmark = pytest.mark.django_db(transaction=True)


def execute(statement: str, *values: Any) -> int:
    """The number of rows that PostgreSQL reports for the statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def sweep_a_minute_later() -> None:
    RemovedImage.objects.update(removed_at=Now() - timedelta(seconds=61))
    sweep()


@pytest.fixture
def published() -> Iterator[Any]:
    """A function that returns the messages published to the channel layer since its last call."""
    with (
        Redis.from_url(settings.REDIS_URL) as redis,
        redis.pubsub(ignore_subscribe_messages=True) as subscription,
    ):
        subscription.psubscribe("*")

        def messages() -> list[bytes]:
            return [message["data"] for message in iter(lambda: subscription.get_message(timeout=0.5), None)]

        messages()
        yield messages


@pytest.fixture
def foreign_table() -> Iterator[None]:
    execute("CREATE TABLE album_entry (image_id uuid NOT NULL REFERENCES images_image (id))")
    yield
    execute("DROP TABLE album_entry")


def test_the_view_shows_the_columns_that_an_operator_needs() -> None:
    (image,) = uploaded()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM images")
        (row,) = cursor.fetchall()
        shown = dict(zip([column.name for column in cursor.description], row, strict=True))
    assert (shown["id"], shown["name"], shown["status"]) == (image.id, "picture-0.jpg", "completed")
    assert (shown["width"], shown["height"], shown["key"]) == (320, 200, image.key)
    assert not shown.keys() & {"claim", "lease_until", "thumbs_claim"}


def test_all_images_are_deleted_with_files_thumbnails_and_empty_batches(
    stored_keys: Any, published: Any
) -> None:
    batch = Batch.objects.create()
    images = pending_images(jpeg(), jpeg(), batch=batch)
    process([image.id for image in images])
    keys = stored_keys()
    published()
    assert execute("DELETE FROM images") == 2
    assert (Image.objects.count(), Thumbnail.objects.count(), Batch.objects.count()) == (0, 0, 0)
    assert stored_keys() == keys
    sweep_a_minute_later()
    assert stored_keys() == []
    events = published()
    assert all(
        any(str(image.id).encode() in event and b"removed" in event for event in events) for image in images
    )
    assert set(RemovedImage.objects.values_list("announced", "files_deleted")) == {(True, True)}


def test_the_trigger_writes_the_same_deletion_record_as_the_app() -> None:
    first, second = uploaded(2)
    batch = Batch.objects.create()
    Image.objects.update(batch=batch)
    execute("DELETE FROM images WHERE id = %s", first.id)
    (expected,) = transitions.delete(Image.objects.filter(id=second.id))
    by_trigger, by_app = (
        RemovedImage.objects.get(image_id=first.id),
        RemovedImage.objects.get(image_id=second.id),
    )
    assert (by_trigger.batch_id, by_trigger.version) == (batch.id, expected.version)
    assert (by_trigger.announced, by_trigger.files_deleted) == (by_app.announced, by_app.files_deleted)
    assert sorted(by_trigger.keys) == [_key_of_the_other(key, second, first) for key in by_app.keys]


def _key_of_the_other(key: str, one: Image, other: Image) -> str:
    folder, other_folder = (f"/{id_[:2]}/{id_[2:4]}/{id_}" for id_ in (str(one.id), str(other.id)))
    return key.replace(folder, other_folder)


def test_a_condition_selects_the_deleted_images() -> None:
    first, second = uploaded(2)
    batch = Batch.objects.create()
    Image.objects.update(batch=batch)
    assert execute("DELETE FROM images WHERE name = %s", first.name) == 1
    assert list(Image.objects.values_list("id", flat=True)) == [second.id]
    assert Thumbnail.objects.count() == 3
    assert list(Batch.objects.all()) == [batch]
    assert execute("DELETE FROM images WHERE name = %s", first.name) == 0


def test_for_archive_images_only_the_rows_are_deleted(stored_keys: Any) -> None:
    image = archived("one.jpg")
    # A file with a name like an upload's, but not with this image's id.
    odd = archived(f"{uuid.uuid4()}.jpg")
    assert len(stored_keys()) == 8
    keys = stored_keys()
    execute("DELETE FROM images")
    sweep_a_minute_later()
    assert stored_keys() == keys
    assert dict(RemovedImage.objects.values_list("image_id", "keys")) == {image.id: [], odd.id: []}


def test_an_archives_image_that_was_registered_again_is_deleted_again() -> None:
    image = archived("one.jpg")
    execute("DELETE FROM images")
    RemovedImage.objects.update(announced=True, files_deleted=True)
    image.save(force_insert=True)
    assert execute("DELETE FROM images") == 1
    assert list(RemovedImage.objects.values_list("announced", "files_deleted")) == [(False, False)]


@pytest.mark.parametrize("prefix", ["", "another/prefix"])
def test_the_files_of_an_upload_are_deleted_under_any_key_prefix(prefix: str, stored_keys: Any) -> None:
    with override_settings(KEY_PREFIX=prefix):
        (image,) = pending_images(jpeg())
        process([image.id])
    execute("DELETE FROM images")
    sweep_a_minute_later()
    assert stored_keys() == []


def test_an_image_that_a_worker_has_claimed_leaves_no_files(stored_keys: Any) -> None:
    (image,) = pending_images(jpeg())
    claimed = transitions.claim([image.id])
    assert execute("DELETE FROM images") == 1
    failed = transitions.flush(claimed, [], renew=True)
    assert (failed, Image.objects.count()) == ([], 0)
    sweep_a_minute_later()
    assert stored_keys() == []


def test_thumbnails_that_a_crash_left_without_rows_are_deleted_by_reconcile(stored_keys: Any) -> None:
    uploaded()
    Thumbnail.objects.all().delete()
    left = [key for key in stored_keys() if "/thumbnails/" in key]
    execute("DELETE FROM images")
    sweep_a_minute_later()
    assert stored_keys() == left
    uploaded()
    assert reconcile(apply=True).found[Finding.FILE_WITHOUT_ROW] == 3
    assert not set(left) & set(stored_keys())


def test_another_tables_foreign_key_refuses_the_whole_statement(foreign_table: None) -> None:
    first, _ = uploaded(2)
    execute("INSERT INTO album_entry VALUES (%s)", first.id)
    with pytest.raises(IntegrityError, match="album_entry"), transaction.atomic():
        execute("DELETE FROM images")
    assert (Image.objects.count(), Thumbnail.objects.count(), RemovedImage.objects.count()) == (2, 6, 0)


def test_a_deletion_that_is_rolled_back_leaves_everything() -> None:
    uploaded()
    with transaction.atomic():
        execute("DELETE FROM images")
        transaction.set_rollback(True)
    assert (Image.objects.count(), Thumbnail.objects.count(), RemovedImage.objects.count()) == (1, 3, 0)


def test_images_are_deleted_in_the_order_in_which_the_app_locks_them() -> None:
    images = uploaded(5)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM images RETURNING id")
        deleted = [id_ for (id_,) in cursor.fetchall()]
    assert deleted == sorted(image.id for image in images)


def test_the_migration_can_be_reversed() -> None:
    migration = import_module("images.migrations.0006_images_view").Migration
    (operation,) = migration.operations
    with connection.schema_editor() as editor:
        operation.reverse_code(None, editor)
    assert execute("SELECT FROM pg_class WHERE relname = 'images'") == 0
    assert execute("SELECT FROM pg_proc WHERE proname = 'images_delete_image'") == 0
    with connection.schema_editor() as editor:
        operation.code(None, editor)
    assert execute("DELETE FROM images") == 0
