"""A real process is killed at each step of uploading, processing, generating and deleting; afterwards all is repaired.

The tests use the run's PostgreSQL and Redis. If a listed function is no longer called, its test fails, because then
nothing was killed.
"""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from images.models import Image, RemovedImage, Status, Thumbnail
from images.thumbnails.generate import generate_in_worker
from tests.support.images.closing import process_until_final, require_files_match_rows, require_invariants
from tests.support.images.pictures import jpeg, pending_images
from tests.support.processes.site_environment import site_environment
from tests.support.sites.started_site import SERVER_ROOT

pytestmark = pytest.mark.django_db(transaction=True)

_BATCH = "/api/async/batch/upload"
_TASK_PER_IMAGE = "/api/async/upload"
_SYNCHRONOUS = "/api/upload"

# Before or after the call, the function, and the number of the call.
BEFORE_THE_COMMIT = [
    ("before", "images.uploads.multipart:sync_to_disk", 2),
    ("before", "images.uploads.accept:store_spooled_files", 1),
    ("after", "filestore.local:LocalStore.link", 2),
    ("after", "images.uploads.accept:store_spooled_files", 1),
    ("after", "django.db.models.query:QuerySet.bulk_create", 2),
]
AFTER_THE_COMMIT = [
    ("before", "images.uploads.accept:delete_spool_files", 1),
    ("after", "images.uploads.multipart:SpooledFile.delete", 1),
    ("before", "images.celery_queue:enqueue", 1),
    ("after", "images.celery_queue:enqueue", 1),
    ("before", "images.uploads.accept:publish_unfinished", 1),
    ("before", "images.live.events:publish", 1),
    ("before", "images.processing.transitions:mark_published", 1),
]
WORKER = [
    ("after", "images.processing.transitions:claim", 1),
    ("before", "images.processing.transitions:mark_published", 1),
    ("before", "images.processing.worker_loop:render_image", 1),
    ("before", "images.processing.render_image:_open_target", 3),
    ("before", "os:link", 2),
    ("before", "images.processing.worker_loop:render_image", 3),
    ("before", "images.processing.transitions:flush", 1),
    ("after", "images.processing.transitions:save_thumbnails", 1),
    ("after", "images.processing.transitions:flush", 1),
    ("before", "images.processing.worker_loop:publish_images", 1),
    ("before", "images.processing.transitions:mark_published", 2),
]
GENERATING = [
    ("after", "images.thumbnails.generation_claims:acquire", 1),
    ("after", "images.thumbnails.render_and_store:_render", 1),
    ("before", "os:replace", 2),
    ("after", "images.thumbnails.generation_claims:save_thumbnails", 1),
    ("after", "images.thumbnails.generation_claims:complete", 1),
]
HANDING_BACK = [
    ("before", "images.processing.transitions:release", 1),
    ("after", "images.processing.transitions:release", 1),
    ("after", "images.celery_queue:enqueue", 1),
]
SYNCHRONOUS_BEFORE_THE_COMMIT = [
    ("before", "images.uploads.synchronous:store_originals", 1),
    ("after", "images.uploads.synchronous:store_originals", 1),
    ("before", "images.processing.transitions:insert_claimed", 1),
    ("after", "images.processing.transitions:insert_claimed", 1),
]
SYNCHRONOUS_AFTER_THE_COMMIT = [
    ("before", "images.uploads.synchronous:publish_unfinished", 1),
    ("before", "images.uploads.synchronous:_render", 1),
    ("before", "images.uploads.synchronous:render_in_process_pool", 1),
    ("after", "images.uploads.synchronous:render_in_process_pool", 1),
    ("after", "images.storage.local:LocalStorage._save", 2),
    ("before", "images.processing.transitions:flush", 1),
    ("after", "images.processing.transitions:save_thumbnails", 1),
    ("after", "images.processing.transitions:flush", 1),
    ("before", "images.processing.transitions:mark_published", 2),
    ("before", "images.uploads.multipart:SpooledFile.delete", 1),
]


def _kill_at(stop: tuple[str, str, int], *action: str) -> None:
    """Run the action in a process of its own, which is killed at the stop."""
    when, place, count = stop
    ended = subprocess.run(
        [sys.executable, "-m", "tests.support.processes.stopped", when, place, str(count), *action],
        cwd=SERVER_ROOT,
        env=site_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stdout + ended.stderr


def _test_id(stop: Any) -> str:
    return f"{stop[0]} {stop[1].rpartition(':')[2]} {stop[2]}" if isinstance(stop, tuple) else str(stop)


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    paths = [tmp_path / f"photo-{number}.jpg" for number in range(3)]
    for path in paths:
        path.write_bytes(jpeg(64, 40))
    return [str(path) for path in paths]


def _require_all_completed(completed: int) -> None:
    process_until_final()
    require_invariants()
    require_files_match_rows()
    assert Image.objects.filter(status=Status.COMPLETED).count() == Image.objects.count() == completed


@pytest.mark.parametrize("address", [_BATCH, _TASK_PER_IMAGE])
@pytest.mark.parametrize("stop", BEFORE_THE_COMMIT, ids=_test_id)
def test_an_upload_killed_before_its_commit_leaves_nothing(
    stop: Any, address: str, photos: list[str], queue_messages: Any
) -> None:
    _kill_at(stop, "upload", address, "images", *photos)
    assert Image.objects.count() == 0
    _require_all_completed(0)


@pytest.mark.parametrize("stop", AFTER_THE_COMMIT, ids=_test_id)
def test_an_upload_killed_after_its_commit_is_processed(
    stop: Any, photos: list[str], queue_messages: Any
) -> None:
    _kill_at(stop, "upload", _BATCH, "images", *photos)
    _require_all_completed(3)


def test_an_upload_killed_between_its_queue_messages_is_processed(
    photos: list[str], queue_messages: Any
) -> None:
    _kill_at(("after", "celery.app.base:Celery.send_task", 2), "upload", _TASK_PER_IMAGE, "images", *photos)
    assert len(queue_messages()) == 2
    _require_all_completed(3)


@pytest.mark.parametrize("stop", WORKER, ids=_test_id)
def test_images_of_a_worker_killed_at_any_step_are_completed(stop: Any, queue_messages: Any) -> None:
    images = pending_images(*[jpeg(64, 40)] * 3)
    _kill_at(stop, "process", *[str(image.id) for image in images])
    _require_all_completed(3)


@pytest.mark.parametrize("stop", GENERATING, ids=_test_id)
def test_thumbnails_are_generated_after_their_generator_was_killed_at_any_step(
    stop: Any, queue_messages: Any
) -> None:
    (image,) = pending_images(jpeg(640, 400))
    process_until_final()
    for thumbnail in Thumbnail.objects.all():
        (Path(settings.MEDIA_ROOT) / thumbnail.key).unlink()
    Thumbnail.objects.all().delete()
    _kill_at(stop, "thumbnails", str(image.id))
    Image.objects.filter(thumbs_claim__isnull=False).update(thumbs_lease_until="2026-01-01T00:00Z")
    generate_in_worker(image.id)
    process_until_final()
    require_invariants()
    require_files_match_rows()


@pytest.mark.parametrize("stop", HANDING_BACK, ids=_test_id)
def test_images_of_a_worker_killed_while_it_hands_them_back_are_completed(
    stop: Any, queue_messages: Any
) -> None:
    images = pending_images(*[jpeg(64, 40)] * 3)
    _kill_at(stop, "hand-back", *[str(image.id) for image in images])
    _require_all_completed(3)


@pytest.mark.parametrize("stop", SYNCHRONOUS_BEFORE_THE_COMMIT, ids=_test_id)
def test_a_synchronous_upload_killed_before_its_commit_leaves_nothing(
    stop: Any, photos: list[str], queue_messages: Any
) -> None:
    _kill_at(stop, "upload", _SYNCHRONOUS, "image", photos[0])
    _require_all_completed(0)


@pytest.mark.parametrize("stop", SYNCHRONOUS_AFTER_THE_COMMIT, ids=_test_id)
def test_a_synchronous_upload_killed_after_its_commit_is_completed(
    stop: Any, photos: list[str], queue_messages: Any
) -> None:
    _kill_at(stop, "upload", _SYNCHRONOUS, "image", photos[0])
    _require_all_completed(1)


def test_a_deletion_killed_before_its_commit_deletes_nothing(queue_messages: Any) -> None:
    (image,) = pending_images(jpeg(64, 40))
    _kill_at(("after", "django.db.models.query:QuerySet.delete", 1), "delete", str(image.id))
    _require_all_completed(1)


def test_a_deletion_killed_after_its_commit_is_published_and_its_files_are_deleted(
    queue_messages: Any,
) -> None:
    image, other = pending_images(*[jpeg(64, 40)] * 2)
    _kill_at(("after", "images.processing.transitions:delete", 1), "delete", str(image.id))
    process_until_final()
    require_invariants()
    assert (RemovedImage.objects.get().image_id, Image.objects.get().id) == (image.id, other.id)
    require_files_match_rows()
