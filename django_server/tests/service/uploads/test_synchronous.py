"""The synchronous upload: rendered in a separate process before the response, or not kept."""

import io
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image as Picture

from images.error_codes import ApiError
from images.models import Image, RemovedImage
from images.rendering.decode_pool import render_in_process_pool
from images.rendering.limit_settings import imaging_limits
from images.rendering.slots import render_slot
from imaging import CorruptImage
from imaging.process_pool import ProcessTimedOut
from tests.support.corpus.raw_jpeg import with_repeated_last_scan
from tests.support.images.pictures import broken_jpeg, jpeg, spooled
from tests.support.images.statement_count import statements

pytestmark = pytest.mark.django_db(transaction=True)


def upload(content: bytes) -> Any:
    return Client().post("/api/upload", {"image": SimpleUploadedFile("a.jpg", content)})


def test_the_response_has_the_thumbnails_and_takes_at_most_eight_statements(stored_keys: Any) -> None:
    with CaptureQueriesContext(connection) as captured:
        answer = upload(jpeg(600, 400))
    image = answer.json()["image"]
    assert (answer.status_code, image["status"], image["version"]) == (200, "completed", 2)
    assert set(image["thumbnails"]) == {"small", "medium", "large"}
    assert len(stored_keys()) == 4
    assert len(statements(captured)) <= 8


def test_an_undecodable_image_is_not_kept(stored_keys: Any, settings: Any) -> None:
    answer = upload(broken_jpeg())
    assert (answer.status_code, answer.json()["code"]) == (422, "corrupt_image")
    assert answer.json()["error"].startswith("a.jpg: ")
    assert not Image.objects.exists()
    assert RemovedImage.objects.count() == 1
    assert stored_keys() == []
    assert list(settings.INCOMING_ROOT.iterdir()) == []


def test_the_decoders_own_error_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "images.uploads.synchronous"):
        answer = upload(broken_jpeg())
    assert "corrupt_image; OSError: " in caplog.text
    assert "OSError" not in answer.content.decode()


def test_a_decoder_that_never_ends_is_killed(settings: Any, tmp_path: Path) -> None:
    settings.RENDER_SECONDS = 0.5
    plain = io.BytesIO()
    Picture.new("L", (2000, 2000)).save(plain, "JPEG", progressive=True)
    slow = tmp_path / "slow.jpg"
    slow.write_bytes(with_repeated_last_scan(plain.getvalue(), 2000))
    patient = replace(imaging_limits(), jpeg_scans=100_000)
    started = time.monotonic()
    with pytest.raises(ProcessTimedOut):
        render_in_process_pool(slow, {"small": 240}, {"small": tmp_path / "small"}, 82, patient)
    assert time.monotonic() - started < 5


def test_the_pool_renders_again_after_an_undecodable_image(tmp_path: Any) -> None:
    with pytest.raises(CorruptImage):
        render_in_process_pool(
            spooled(broken_jpeg()).path, {"small": 9}, {"small": tmp_path / "x"}, 82, imaging_limits()
        )
    rendering = render_in_process_pool(
        spooled(jpeg()).path, {"small": 9}, {"small": tmp_path / "x"}, 82, imaging_limits()
    )
    assert (tmp_path / "x").stat().st_size == rendering.thumbnails["small"].byte_size


def test_a_request_without_a_free_slot_is_refused(settings: Any) -> None:
    settings.RENDER_SLOTS = 1
    with render_slot(1), pytest.raises(ApiError, match="overloaded"), render_slot(0.2):
        pass
    with render_slot(0.2):
        pass
