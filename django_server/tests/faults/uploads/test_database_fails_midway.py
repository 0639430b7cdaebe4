"""The database fails at one statement of an upload: before the commit nothing is kept, after it nothing is undone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.test import Client

from images.models import Image
from tests.support.images.pictures import jpeg

pytestmark = pytest.mark.django_db(transaction=True)

ENDPOINTS = {"/api/upload": "image", "/api/async/upload": "images", "/api/async/batch/upload": "images"}


@pytest.fixture(autouse=True)
def nothing_queued(queue_messages: Any) -> None:
    """The queue is emptied before and after."""


@contextmanager
def failing_at(start: str, table: str) -> Iterator[None]:
    """Each statement that begins with `start` and names the table fails, as after a crash of the server."""

    def execute(run: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith(start) and f'"{table}"' in sql:
            raise OperationalError("server closed the connection unexpectedly")
        return run(sql, *rest)

    with connection.execute_wrapper(execute):
        yield


def post(path: str, key: str) -> Any:
    headers = {"Idempotency-Key": key}
    return Client(headers=headers).post(path, {ENDPOINTS[path]: SimpleUploadedFile("a.jpg", jpeg(64, 48))})


@pytest.mark.parametrize(
    ("path", "table"),
    [
        ("/api/async/upload", "images_image"),
        ("/api/async/batch/upload", "images_image"),
        ("/api/upload", "images_image"),
        # The image's row exists by then; the repeated request deletes it.
        ("/api/upload", "images_thumbnail"),
    ],
)
def test_a_repeat_after_the_failure_is_accepted_at_once_and_leaves_one_image(
    path: str, table: str, stored_keys: Any
) -> None:
    with failing_at("INSERT", table):
        answer = post(path, "a-key")
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert post(path, "a-key").status_code in (200, 202)
    image = Image.objects.get()
    of_other_images = [key for key in stored_keys() if "thumbnails" in key and str(image.id) not in key]
    assert of_other_images == []


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_committed_upload_is_accepted_although_its_announced_version_cannot_be_written(path: str) -> None:
    with failing_at('UPDATE "images_image" SET "announced_version"', "images_image"):
        answer = post(path, "a-key")
    assert answer.status_code in (200, 202)
    assert Image.objects.get().announced_version == 0
