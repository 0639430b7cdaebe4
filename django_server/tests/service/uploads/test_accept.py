"""Accepted uploads: their statements, queue messages, rows and files, through Django's test client."""

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext

from images.deletion import delete_empty_batches
from images.models import Batch, Image
from tests.support.images.pictures import jpeg
from tests.support.images.statement_count import statements

pytestmark = pytest.mark.django_db(transaction=True)

ENDPOINTS = ["/api/async/upload", "/api/async/batch/upload"]


def post(path: str, contents: Sequence[bytes], client: Client | None = None, **query: str) -> Any:
    files = [SimpleUploadedFile(f"{index}.jpg", content) for index, content in enumerate(contents)]
    return (client or Client()).post(path, {"images": files}, query_params=query)


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("number", [1, 100])
def test_accepting_takes_three_statements_for_one_file_or_a_hundred(
    path: str, number: int, queue_messages: Any
) -> None:
    with CaptureQueriesContext(connection) as captured:
        answer = post(path, [jpeg(8, 8)] * number)
    assert answer.status_code == 202
    assert len(statements(captured)) == 3
    assert Image.objects.count() == number
    assert set(Image.objects.values_list("announced_version", flat=True)) == {1}


def test_a_batch_is_queued_in_chunks_for_all_processes(queue_messages: Any, settings: Any) -> None:
    settings.WORKER_PROCESSES = 4
    post("/api/async/batch/upload", [jpeg(8, 8)] * 20)
    assert [len(ids) for _, (ids,) in queue_messages()] == [5, 5, 5, 5]


def test_a_chunk_has_at_most_sixteen_ids(queue_messages: Any, settings: Any) -> None:
    settings.WORKER_PROCESSES = 2
    post("/api/async/batch/upload", [jpeg(8, 8)] * 40)
    assert [len(ids) for _, (ids,) in queue_messages()] == [16, 16, 8]


def test_the_async_endpoint_queues_one_task_per_image(queue_messages: Any) -> None:
    post("/api/async/upload", [jpeg(8, 8)] * 3)
    assert [task for task, _ in queue_messages()] == ["images.process_image"] * 3


def test_several_requests_share_the_batch_that_their_client_names(queue_messages: Any) -> None:
    batch = str(uuid.uuid4())
    for _ in range(2):
        assert post("/api/async/batch/upload", [jpeg()], batch=batch).json()["batch_id"] == batch
    assert Batch.objects.get().images.count() == 2


def test_names_and_order_are_kept_and_no_two_images_have_the_same_upload_time(queue_messages: Any) -> None:
    post("/api/async/batch/upload", [jpeg(8, 8)] * 12)
    newest_first = list(Image.objects.order_by("-uploaded_at").values_list("name", flat=True))
    assert newest_first == [f"{index}.jpg" for index in reversed(range(12))]
    assert len(set(Image.objects.values_list("uploaded_at", flat=True))) == 12


def test_nothing_is_left_in_the_spool(queue_messages: Any, settings: Any) -> None:
    post("/api/async/batch/upload", [jpeg(), b"no image", b""])
    assert list(settings.INCOMING_ROOT.iterdir()) == []


def test_the_spool_file_stays_when_the_rows_cannot_be_written(settings: Any, monkeypatch: Any) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise DatabaseError

    monkeypatch.setattr(Image.objects, "bulk_create", fail)
    answer = post("/api/async/batch/upload", [jpeg()], Client(raise_request_exception=False))
    assert answer.status_code == 500
    assert len(list(settings.INCOMING_ROOT.iterdir())) == 1


def test_an_unusable_storage_gets_503_and_nothing_is_kept(settings: Any, stored_keys: Any) -> None:
    settings.MEDIA_ROOT.write_text("no folder can be made here")
    answer = post("/api/async/batch/upload", [jpeg()])
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert answer["Retry-After"] == "5"
    assert Image.objects.count() == 0
    assert list(settings.INCOMING_ROOT.iterdir()) == []


def test_too_many_files_are_refused_and_none_is_kept(settings: Any) -> None:
    settings.MAX_FILES_PER_REQUEST = 3
    answer = post("/api/async/batch/upload", [jpeg(8, 8)] * 4)
    assert (answer.status_code, answer.json()["code"]) == (400, "too_many_files")
    assert Image.objects.count() == 0
    assert list(settings.INCOMING_ROOT.iterdir()) == []


def test_a_batch_deleted_while_images_are_added_is_created_again(
    monkeypatch: pytest.MonkeyPatch, queue_messages: Any
) -> None:
    batch = Batch.objects.create()
    insert = QuerySet.bulk_create

    def meanwhile(self: Any, rows: Any, *more: Any, **options: Any) -> Any:
        if self.model is Image and Batch.objects.filter(id=batch.id).exists():
            with ThreadPoolExecutor(1) as pool:
                pool.submit(_delete_batch, batch.id).result()
        return insert(self, rows, *more, **options)

    monkeypatch.setattr(QuerySet, "bulk_create", meanwhile)
    answer = post(ENDPOINTS[1], [jpeg(8, 8)], batch=str(batch.id))
    assert answer.status_code == 202
    assert Image.objects.get().batch_id == batch.id


def _delete_batch(batch_id: Any) -> None:
    try:
        delete_empty_batches({batch_id})
    finally:
        connection.close()
