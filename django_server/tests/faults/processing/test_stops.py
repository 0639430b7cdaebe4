"""Every step of the protocol may be the last one: a real process is killed right there, and all ends well.

Each on the run's PostgreSQL and Redis. A name that is no longer called fails its test: then nothing was killed.
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
from tests.support.images.closing import all_is_well, files_are_the_rows, work_until_quiet
from tests.support.images.pictures import jpeg, pending_images
from tests.support.processes.site_environment import site_environment
from tests.support.sites.started_site import SERVER_ROOT

pytestmark = pytest.mark.django_db(transaction=True)

_BATCH = "/api/async/batch/upload"
_SINGLES = "/api/async/upload"
_NOW = "/api/upload"

# When, where, at which call.
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
COLD = [
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


def _killed_at(stop: tuple[str, str, int], *action: str) -> None:
    """Run the action in a process of its own until it is killed at the stop."""
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


def _named(stop: Any) -> str:
    return f"{stop[0]} {stop[1].rpartition(':')[2]} {stop[2]}" if isinstance(stop, tuple) else str(stop)


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    paths = [tmp_path / f"photo-{number}.jpg" for number in range(3)]
    for path in paths:
        path.write_bytes(jpeg(64, 40))
    return [str(path) for path in paths]


def _ends_well(completed: int) -> None:
    work_until_quiet()
    all_is_well()
    files_are_the_rows()
    assert Image.objects.filter(status=Status.COMPLETED).count() == Image.objects.count() == completed


@pytest.mark.parametrize("address", [_BATCH, _SINGLES])
@pytest.mark.parametrize("stop", BEFORE_THE_COMMIT, ids=_named)
def test_an_upload_killed_before_its_commit_never_was(
    stop: Any, address: str, photos: list[str], queue_messages: Any
) -> None:
    _killed_at(stop, "upload", address, "images", *photos)
    assert Image.objects.count() == 0
    _ends_well(0)


@pytest.mark.parametrize("stop", AFTER_THE_COMMIT, ids=_named)
def test_an_upload_killed_after_its_commit_is_finished(
    stop: Any, photos: list[str], queue_messages: Any
) -> None:
    _killed_at(stop, "upload", _BATCH, "images", *photos)
    _ends_well(3)


def test_an_upload_killed_between_its_messages_is_finished(photos: list[str], queue_messages: Any) -> None:
    _killed_at(("after", "celery.app.base:Celery.send_task", 2), "upload", _SINGLES, "images", *photos)
    assert len(queue_messages()) == 2
    _ends_well(3)


@pytest.mark.parametrize("stop", WORKER, ids=_named)
def test_a_worker_killed_anywhere_leaves_nothing_undone(stop: Any, queue_messages: Any) -> None:
    images = pending_images(*[jpeg(64, 40)] * 3)
    _killed_at(stop, "process", *[str(image.id) for image in images])
    _ends_well(3)


@pytest.mark.parametrize("stop", COLD, ids=_named)
def test_a_maker_of_thumbnails_killed_anywhere_is_followed_by_another(stop: Any, queue_messages: Any) -> None:
    (image,) = pending_images(jpeg(640, 400))
    work_until_quiet()
    for thumbnail in Thumbnail.objects.all():
        (Path(settings.MEDIA_ROOT) / thumbnail.key).unlink()
    Thumbnail.objects.all().delete()
    _killed_at(stop, "thumbnails", str(image.id))
    Image.objects.filter(thumbs_claim__isnull=False).update(thumbs_lease_until="2026-01-01T00:00Z")
    generate_in_worker(image.id)
    work_until_quiet()
    all_is_well()
    files_are_the_rows()


@pytest.mark.parametrize("stop", HANDING_BACK, ids=_named)
def test_a_worker_killed_while_it_hands_back_leaves_nothing_undone(stop: Any, queue_messages: Any) -> None:
    images = pending_images(*[jpeg(64, 40)] * 3)
    _killed_at(stop, "hand-back", *[str(image.id) for image in images])
    _ends_well(3)


@pytest.mark.parametrize("stop", SYNCHRONOUS_BEFORE_THE_COMMIT, ids=_named)
def test_a_synchronous_upload_killed_before_its_commit_never_was(
    stop: Any, photos: list[str], queue_messages: Any
) -> None:
    _killed_at(stop, "upload", _NOW, "image", photos[0])
    _ends_well(0)


@pytest.mark.parametrize("stop", SYNCHRONOUS_AFTER_THE_COMMIT, ids=_named)
def test_a_synchronous_upload_killed_after_its_commit_is_finished(
    stop: Any, photos: list[str], queue_messages: Any
) -> None:
    _killed_at(stop, "upload", _NOW, "image", photos[0])
    _ends_well(1)


def test_a_removal_killed_before_its_commit_never_was(queue_messages: Any) -> None:
    (image,) = pending_images(jpeg(64, 40))
    _killed_at(("after", "django.db.models.query:QuerySet.delete", 1), "delete", str(image.id))
    _ends_well(1)


def test_a_removal_killed_after_its_commit_is_told_and_its_files_go(queue_messages: Any) -> None:
    image, other = pending_images(*[jpeg(64, 40)] * 2)
    _killed_at(("after", "images.processing.transitions:delete", 1), "delete", str(image.id))
    work_until_quiet()
    all_is_well()
    assert (RemovedImage.objects.get().image_id, Image.objects.get().id) == (image.id, other.id)
    files_are_the_rows()
