"""Concurrent requests get one row per label, one file and no error; a process whose claim expired changes nothing.

The tests run only on PostgreSQL: SQLite allows one writer at a time.
"""

import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as current
from django.db import connection, connections
from django.test import Client
from PIL import Image as Picture

from images.error_codes import ApiError
from images.models import Image, Thumbnail
from images.thumbnails import generation_claims, render_and_store
from images.thumbnails.generate import generate_in_worker
from tests.support.images.completed_images import archived, completed_upload, request_thumbnail, stored_file
from tests.support.images.pictures import jpeg

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 6


def together(work: Callable[[], Any]) -> list[Any]:
    """The results of `work` in six threads that begin at the same moment."""
    barrier = threading.Barrier(THREADS)

    def one() -> Any:
        try:
            barrier.wait()
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        return [future.result() for future in [pool.submit(one) for _ in range(THREADS)]]


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The originals that were decoded, one entry each time."""
    seen: list[Path] = []
    original = render_and_store._render

    def counting(decode: Any, source: Path, *more: Any) -> Any:
        seen.append(source)
        return original(decode, source, *more)

    monkeypatch.setattr(render_and_store, "_render", counting)
    return seen


def test_six_concurrent_requests_get_redirects_from_one_decode(decodes: list[Path]) -> None:
    assert connection.vendor == "postgresql"
    image = archived()
    answers = together(lambda: request_thumbnail(image, "small"))
    assert [answer.status_code for answer in answers] == [302] * THREADS
    (url,) = {answer["Location"] for answer in answers}
    assert stored_file(url).exists()
    assert sorted(Thumbnail.objects.values_list("label", flat=True)) == ["large", "medium", "small"]
    assert len(decodes) == 1


def test_six_processes_are_serialized_by_the_claim_alone(decodes: list[Path]) -> None:
    image = archived()
    # Without the single flight that threads of one process share: as in separate processes.
    for _, thumbnails in together(lambda: generate_in_worker(image.id)):
        assert sorted(thumbnails) == ["large", "medium", "small"]
    assert Thumbnail.objects.count() == 3
    assert len(decodes) == 1
    image.refresh_from_db()
    assert (image.thumbs_claim, image.thumbs_lease_until) == (None, None)


def test_a_broken_original_is_decoded_once_for_concurrent_requests(decodes: list[Path]) -> None:
    image = archived(content=b"no image at all")
    answers = together(lambda: request_thumbnail(image, "small"))
    assert [answer.status_code for answer in answers] == [422] * THREADS
    assert len(decodes) == 1


def test_the_claim_of_a_crashed_process_is_taken_over_after_its_lease(settings: Any) -> None:
    settings.COLD_WAIT_SECONDS = 0.3
    image = archived()
    assert generation_claims.acquire(image.id) is not None
    answer = request_thumbnail(image, "small")
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    Image.objects.update(thumbs_lease_until="2026-01-01T00:00Z")
    assert request_thumbnail(image, "small").status_code == 302


def generate_with_interruption(
    monkeypatch: pytest.MonkeyPatch, image: Image, meanwhile: Callable[[], Any]
) -> None:
    """Generate the image's thumbnails, with a call of `meanwhile` after rendering and before the files are renamed."""
    original = generation_claims.complete

    def later(*arguments: Any) -> Any:
        monkeypatch.setattr(generation_claims, "complete", original)
        meanwhile()
        return original(*arguments)

    monkeypatch.setattr(generation_claims, "complete", later)
    generate_in_worker(image.id)


def test_a_process_whose_claim_expired_does_not_overwrite_the_files_of_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image = archived(content=jpeg(640, 400, "red"))

    def successor() -> None:
        Image.objects.update(thumbs_lease_until="2026-01-01T00:00Z")
        (Path(current.MEDIA_ROOT) / image.key).write_bytes(jpeg(600, 400, "blue"))
        generate_in_worker(image.id)

    generate_with_interruption(monkeypatch, image, successor)
    image.refresh_from_db()
    assert (image.width, image.source_version) == (600, Thumbnail.objects.get(label="small").source_version)
    answer = request_thumbnail(image, "small")
    with Picture.open(stored_file(answer["Location"])) as picture:
        red, _, blue = picture.convert("RGB").getpixel((5, 5))  # type: ignore[misc]
    assert blue > 200
    assert red < 60


def test_an_image_deleted_during_the_generation_leaves_no_file(
    monkeypatch: pytest.MonkeyPatch, stored_keys: Any
) -> None:
    image = completed_upload()
    Thumbnail.objects.all().delete()

    def deleted() -> None:
        assert Client().delete(f"/api/images/{image.id}").status_code == 204

    with pytest.raises(ApiError, match="not_found"):
        generate_with_interruption(monkeypatch, image, deleted)
    assert stored_keys() == []
    assert list(Path(current.INCOMING_ROOT).iterdir()) == []


def test_a_waiting_request_holds_no_connection(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.COLD_WAIT_SECONDS = 1.0
    image = archived()
    assert generation_claims.acquire(image.id) is not None
    slept: list[bool] = []
    real_sleep = time.sleep

    def sleep(seconds: float) -> None:
        slept.append(connection.connection is None)
        real_sleep(seconds)

    monkeypatch.setattr(time, "sleep", sleep)
    with pytest.raises(ApiError, match="overloaded"):
        generate_in_worker(image.id)
    assert slept
    assert all(slept)


def test_generations_of_different_images_run_concurrently() -> None:
    images = [archived(f"{uuid.uuid4()}.jpg") for _ in range(THREADS)]
    waiting = iter(images)
    results = together(lambda: generate_in_worker(next(waiting).id))
    assert len(results) == THREADS
    assert Thumbnail.objects.count() == 3 * THREADS
