"""Each repair of the sweeper, and a whole sweep."""

import os
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models.functions import Now

from images import celery_queue
from images.deletion import delete_leftover_files, delete_old_deletion_notes
from images.models import Image, RemovedImage, Status
from images.processing import transitions
from images.processing.recovery import republish_unannounced, requeue_pending
from images.processing.worker_loop import process
from images.sweeper import sweep
from images.uploads.abandoned_spool_files import delete_abandoned_spool_files
from images.uploads.accept import image_row
from imaging import probe
from tests.support.images.pictures import jpeg, pending_images, spooled

pytestmark = pytest.mark.django_db(transaction=True)


def queued_ago(image: Image, seconds: float, tries: int = 0) -> None:
    Image.objects.filter(id=image.id).update(queued_at=Now() - timedelta(seconds=seconds), queue_tries=tries)


def ids_in(messages: Any) -> list[str]:
    return [id_ for _, (first,) in messages() for id_ in ([first] if isinstance(first, str) else first)]


def test_an_image_whose_message_is_lost_is_queued_again_soon_when_the_queue_is_empty(
    queue_messages: Any,
) -> None:
    (image,) = pending_images(jpeg())
    queued_ago(image, 6)
    assert requeue_pending() == 1
    assert ids_in(queue_messages) == [str(image.id)]


def test_an_image_is_not_queued_again_while_the_queue_contains_messages(queue_messages: Any) -> None:
    first, second = pending_images(jpeg(), jpeg())
    queued_ago(first, 6)
    requeue_pending()
    queued_ago(second, 6)
    assert requeue_pending() == 0
    assert ids_in(queue_messages) == [str(first.id)]


@pytest.mark.parametrize(
    ("tries", "waited", "due"), [(1, 59, 0), (1, 61, 1), (3, 239, 0), (3, 241, 1), (9, 601, 1)]
)
def test_the_pause_before_queueing_again_doubles_up_to_ten_minutes(
    queue_messages: Any, tries: int, waited: float, due: int
) -> None:
    (image,) = pending_images(jpeg())
    queued_ago(image, waited, tries)
    assert requeue_pending() == due


def test_an_image_that_never_reached_the_queue_is_due_at_once(queue_messages: Any) -> None:
    (image,) = pending_images(jpeg())
    Image.objects.update(queued_at=None)
    assert requeue_pending() == 1
    assert ids_in(queue_messages) == [str(image.id)]


def test_an_image_with_an_earlier_attempt_is_queued_in_a_task_of_its_own(queue_messages: Any) -> None:
    images = pending_images(*[jpeg()] * 4)
    Image.objects.update(queued_at=None, attempts=1)
    requeue_pending()
    assert sorted(ids_in(queue_messages)) == sorted(str(image.id) for image in images)
    assert {task for task, _ in queue_messages()} == {"images.process_image"}


def test_unannounced_versions_are_published_once() -> None:
    (image,) = pending_images(jpeg())
    Image.objects.update(changed_at=Now() - timedelta(seconds=6))
    assert republish_unannounced() == 1
    assert republish_unannounced() == 0
    image.refresh_from_db()
    assert image.announced_version == image.version


def test_a_recent_change_is_left_to_the_process_that_made_it() -> None:
    pending_images(jpeg())
    assert republish_unannounced() == 0


def test_deletions_are_published_and_their_records_deleted_after_a_day() -> None:
    RemovedImage.objects.create(image_id=uuid.uuid4(), version=3, removed_at=Now() - timedelta(hours=25))
    assert republish_unannounced() == 1
    assert delete_old_deletion_notes() == 0
    assert delete_leftover_files() == 1
    assert delete_old_deletion_notes() == 1


def test_files_of_a_deleted_image_are_deleted_although_the_deleting_process_crashed(stored_keys: Any) -> None:
    (image,) = pending_images(jpeg())
    process([image.id])
    transitions.delete(Image.objects.all())
    assert len(stored_keys()) == 4
    RemovedImage.objects.update(removed_at=Now() - timedelta(seconds=61))
    assert delete_leftover_files() == 1
    assert stored_keys() == []
    assert delete_leftover_files() == 0


def aged(path: Any, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_a_spool_file_of_a_committed_row_is_deleted_and_the_original_stays(stored_keys: Any) -> None:
    (image,) = pending_images(jpeg())
    marker = spooled(jpeg()).path
    marker = marker.rename(marker.with_name(str(image.id)))
    aged(marker, 61)
    assert delete_abandoned_spool_files() == 1
    assert stored_keys() == [image.key]


def test_a_spool_file_without_a_row_is_deleted_with_its_original_after_an_hour(
    stored_keys: Any, settings: Any
) -> None:
    from images.storage import storage

    file = spooled(jpeg())
    with file.path.open("rb") as source:
        row = image_row(file, probe(source), None)
    storage().store_spooled([(file.path, row.key)])
    aged(file.path, 3500)
    assert delete_abandoned_spool_files() == 0
    aged(file.path, 3700)
    assert delete_abandoned_spool_files() == 1
    assert stored_keys() == []
    assert list(settings.INCOMING_ROOT.iterdir()) == []


def test_one_sweep_from_the_command_line_repairs_and_queues_an_image(queue_messages: Any) -> None:
    (image,) = pending_images(jpeg())
    Image.objects.update(
        status=Status.PROCESSING, claim=uuid.uuid4(), lease_until=Now() - timedelta(seconds=1), attempts=1
    )
    call_command("sweep")
    image.refresh_from_db()
    assert (image.status, image.version, image.announced_version) == (Status.PENDING, 2, 2)
    assert ids_in(queue_messages) == [str(image.id)]


def test_two_sweeps_at_once_queue_each_image_once(
    queue_messages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = pending_images(*[jpeg()] * 3)
    Image.objects.update(queued_at=None)
    both = threading.Barrier(2)
    is_empty = celery_queue.is_empty

    def then_meet() -> bool | None:
        empty = is_empty()
        both.wait(30)
        return empty

    def sweep_once(_: int) -> None:
        try:
            sweep()
        finally:
            connection.close()

    if connection.vendor == "sqlite":
        # SQLite has one writer, and the test database one connection: the sweeps can only follow each other.
        sweep()
        sweep()
    else:
        # Right before the due images are read.
        monkeypatch.setattr(celery_queue, "is_empty", then_meet)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(sweep_once, range(2)))
    assert sorted(ids_in(queue_messages)) == sorted(str(image.id) for image in images)


def test_a_failing_step_does_not_keep_the_others_from_running() -> None:
    ran: list[str] = []

    def broken() -> int:
        raise KeyError("ours")

    def working() -> int:
        ran.append("working")
        return 0

    with pytest.raises(KeyError, match="ours"):
        sweep([broken, working])
    assert ran == ["working"]
