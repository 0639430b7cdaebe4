"""The responses of the thumbnail endpoint, case by case."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as current
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image as Picture

from images.models import Image, Thumbnail
from images.rendering.slots import render_slot
from tests.support.images.completed_images import archived, completed_upload, request_thumbnail, stored_file
from tests.support.images.pictures import broken_jpeg, pending_images
from tests.support.images.statement_count import statements

pytestmark = pytest.mark.django_db(transaction=True)


def refused(answer: Any) -> tuple[int, str]:
    assert answer.json()["error"].endswith(".")
    return answer.status_code, answer.json()["code"]


def test_a_valid_thumbnail_is_redirected_to_in_two_statements() -> None:
    image = completed_upload()
    with CaptureQueriesContext(connection) as captured:
        answer = request_thumbnail(image, "medium")
    assert len(statements(captured)) == 2
    assert answer.status_code == 302
    assert answer["Cache-Control"] == "private, max-age=300"
    assert answer["Location"] == Client().get(f"/api/images/{image.id}").json()["thumbnails"]["medium"]
    assert request_thumbnail(image, "medium", "head")["Location"] == answer["Location"]


def test_one_decode_generates_all_missing_thumbnails() -> None:
    image = completed_upload()
    Thumbnail.objects.exclude(label="medium").delete()
    answer = request_thumbnail(image, "small")
    assert answer.status_code == 302
    with Picture.open(stored_file(answer["Location"])) as picture:
        assert picture.size == (240, 150)
    assert Thumbnail.objects.count() == 3
    with CaptureQueriesContext(connection) as captured:
        assert request_thumbnail(image, "large").status_code == 302
    assert len(statements(captured)) == 2
    shown = Client().get(f"/api/images/{image.id}").json()
    assert all(url.startswith("/media/") for url in shown["thumbnails"].values())


def test_without_a_label_the_first_label_is_used() -> None:
    image = completed_upload()
    for answer in (request_thumbnail(image), request_thumbnail(image, "")):
        assert stored_file(answer["Location"]).name == f"{image.id}_240.jpg"


def test_an_unknown_label_is_refused_with_the_known_labels() -> None:
    answer = request_thumbnail(completed_upload(), "huge")
    assert refused(answer) == (400, "unknown_label")
    assert "small, medium, large" in answer.json()["error"]


def test_without_configured_sizes_every_label_is_unknown(settings: Any) -> None:
    image = completed_upload()
    settings.THUMBNAILS = {"SIZES": {}, "QUALITY": 82}
    assert refused(request_thumbnail(image)) == (404, "not_found")
    assert refused(request_thumbnail(image, "small")) == (404, "not_found")
    shown = Client().get(f"/api/images/{image.id}").json()
    assert (shown["image"], shown["thumbnails"]) == (None, {})


@pytest.mark.parametrize("id_", ["dad4278b-26ac-4cb1-b6a7-bf1d690e8771", "garbage", "é", "1" * 300, "%00"])
def test_an_unknown_image_and_an_invalid_id_are_not_found(id_: str) -> None:
    assert refused(request_thumbnail(id_, "small")) == (404, "not_found")


def test_an_image_of_another_key_prefix_gets_no_thumbnails(settings: Any) -> None:
    image = completed_upload()
    Thumbnail.objects.all().delete()
    settings.KEY_PREFIX = "elsewhere"
    answer = request_thumbnail(image, "small")
    assert refused(answer) == (404, "not_found")
    assert "elsewhere/" in answer.json()["error"]
    image.refresh_from_db()
    assert not image.original_missing
    settings.KEY_PREFIX = "attachments"
    assert request_thumbnail(image, "small").status_code == 302


def test_an_unfinished_image_is_refused_with_its_status() -> None:
    (image,) = pending_images(broken_jpeg())
    answer = request_thumbnail(image, "small")
    assert refused(answer) == (409, "not_completed")
    assert answer.json()["status"] == "pending"


@pytest.mark.parametrize("method", ["get", "head", "post"])
def test_the_collection_of_thumbnails_has_no_url(method: str) -> None:
    answer = getattr(Client(), method)("/api/thumbnails")
    assert answer.status_code == 405


def test_head_generates_nothing() -> None:
    image = archived()
    assert request_thumbnail(image, "small", "head").status_code == 404
    assert not Thumbnail.objects.exists()
    assert request_thumbnail(image, "small").status_code == 302
    assert request_thumbnail(image, "small", "head").status_code == 302


def test_a_missing_original_is_reported_marked_and_not_read_at_every_request() -> None:
    image = archived()
    path = Path(current.MEDIA_ROOT) / image.key
    content = path.read_bytes()
    path.unlink()
    assert refused(request_thumbnail(image)) == (404, "not_found")
    image.refresh_from_db()
    assert image.original_missing
    path.write_bytes(content)
    assert refused(request_thumbnail(image)) == (404, "not_found")
    Image.objects.update(thumbs_error_until="2026-01-01T00:00Z")
    assert request_thumbnail(image).status_code == 302
    image.refresh_from_db()
    assert not image.original_missing


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"no image", "unsupported_type"), (b"", "empty_file"), (broken_jpeg(), "corrupt_image")],
)
def test_an_undecodable_original_is_decoded_once_and_its_error_is_stored(content: bytes, code: str) -> None:
    image = archived(content=b"-")
    (Path(current.MEDIA_ROOT) / image.key).write_bytes(content)
    assert refused(request_thumbnail(image)) == (422, code)
    with CaptureQueriesContext(connection) as captured:
        assert refused(request_thumbnail(image)) == (422, code)
    assert not any("FOR UPDATE" in one for one in statements(captured))
    assert list(Path(current.INCOMING_ROOT).iterdir()) == []


def test_the_wait_for_a_render_slot_is_bounded(settings: Any) -> None:
    settings.COLD_WAIT_SECONDS = 0.2
    image = archived()
    with render_slot(1), render_slot(1):
        answer = request_thumbnail(image)
    assert refused(answer) == (503, "overloaded")
    assert int(answer["Retry-After"]) > 0
    assert request_thumbnail(image).status_code == 302


def test_an_unavailable_storage_is_reported_and_soon_retried(settings: Any) -> None:
    image = archived()
    folder = (Path(current.MEDIA_ROOT) / image.key).parent
    folder.rename(folder.with_name("away"))
    folder.symlink_to(folder)  # each look-up ends in a loop
    answer = request_thumbnail(image)
    assert refused(answer) == (503, "storage_unavailable")
    assert int(answer["Retry-After"]) > 0
    image.refresh_from_db()
    assert not image.original_missing
    folder.unlink()
    folder.with_name("away").rename(folder)
    Image.objects.update(thumbs_error_until=None)
    assert request_thumbnail(image).status_code == 302
