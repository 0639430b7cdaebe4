"""Idempotency-Key of the three upload endpoints: each upload is executed once, also if a request crashed."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from images.deletion import delete_images
from images.error_codes import ApiError
from images.http.json_responses import json_response
from images.models import IdempotentRequest, Image
from images.uploads.accept import insert_rows, store_originals
from images.uploads.idempotency import (
    KeyClaim,
    begin,
    claim_key,
    delete_expired_keys,
    digest_of,
    settled_on_failure,
)
from images.uploads.synchronous import complete, rendered_upload
from images.uploads.validation import validate
from tests.support.images.pictures import broken_jpeg, jpeg, pending_images, spooled
from tests.support.images.statement_count import statements

pytestmark = pytest.mark.django_db(transaction=True)

ENDPOINTS = {"/api/upload": "image", "/api/async/upload": "images", "/api/async/batch/upload": "images"}
MANY = [path for path, field in ENDPOINTS.items() if field == "images"]


@pytest.fixture(autouse=True)
def nothing_queued(queue_messages: Any) -> None:
    """The queue is emptied before and after."""


def post(path: str, key: str | None, contents: Sequence[bytes] = (), names: Sequence[str] = ()) -> Any:
    contents = contents or [jpeg(64, 48)]
    names = names or [f"{index}.jpg" for index in range(len(contents))]
    files = [SimpleUploadedFile(name, content) for name, content in zip(names, contents, strict=True)]
    headers = {} if key is None else {"Idempotency-Key": key}
    client = Client(raise_request_exception=False, headers=headers)
    return client.post(path, {ENDPOINTS[path]: files if path in MANY else files[0]})


def expire_lease() -> None:
    assert IdempotentRequest.objects.update(lease_until=timezone.now() - timedelta(seconds=1)) == 1


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_repeat_gets_the_first_response_and_stores_nothing(
    path: str, settings: Any, stored_keys: Any
) -> None:
    first = post(path, "a-key")
    assert first.status_code in (200, 202)
    stored = stored_keys()
    second = post(path, "a-key")
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second["Content-Type"] == "application/json"
    assert Image.objects.count() == 1
    assert stored_keys() == stored
    assert list(settings.INCOMING_ROOT.iterdir()) == []


@pytest.mark.parametrize("path", ENDPOINTS)
def test_without_a_key_a_repeat_is_another_upload(path: str) -> None:
    assert post(path, None).content != post(path, None).content
    assert Image.objects.count() == 2
    assert not IdempotentRequest.objects.exists()


@pytest.mark.parametrize("path", MANY)
@pytest.mark.parametrize("number", [1, 100])
def test_an_upload_with_a_key_takes_at_most_eight_statements_and_its_repeat_two(
    path: str, number: int
) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert post(path, "a-key", [jpeg(8, 8)] * number).status_code == 202
    assert len(statements(captured)) <= 8
    with CaptureQueriesContext(connection) as captured:
        assert len(post(path, "a-key", [jpeg(8, 8)] * number).json()["jobs"]) == number
    assert len(statements(captured)) == 2


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_refusal_of_the_files_is_stored(path: str, settings: Any) -> None:
    settings.MAX_PIXELS = settings.MAX_PIXELS_BASELINE_JPEG = 10
    first = post(path, "a-key")
    assert (first.status_code, first.json()["code"]) == (400, "too_many_pixels")
    settings.MAX_PIXELS = settings.MAX_PIXELS_BASELINE_JPEG = 10_000
    second = post(path, "a-key")
    assert (second.status_code, second.content) == (400, first.content)
    assert post(path, "another-key").status_code in (200, 202)


def test_the_refusal_of_an_undecodable_image_is_stored(settings: Any, stored_keys: Any) -> None:
    broken = broken_jpeg()
    answers = [post("/api/upload", "a-key", [broken]) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].content == answers[1].content
    assert not Image.objects.exists()
    assert stored_keys() == []
    assert list(settings.INCOMING_ROOT.iterdir()) == []


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_failure_of_the_server_is_not_stored(path: str, settings: Any) -> None:
    settings.MEDIA_ROOT.write_text("no folder can be made here")
    answer = post(path, "a-key")
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    settings.MEDIA_ROOT.unlink()
    assert post(path, "a-key").status_code in (200, 202)
    assert Image.objects.count() == 1


@pytest.mark.parametrize("path", MANY)
@pytest.mark.parametrize(
    ("contents", "names"),
    [
        ([jpeg(8, 8), jpeg(9, 9)], ["0.jpg", "other.jpg"]),
        ([jpeg(8, 8), jpeg(10, 10)], ["0.jpg", "1.jpg"]),
        ([jpeg(9, 9), jpeg(8, 8)], ["1.jpg", "0.jpg"]),
        ([jpeg(8, 8)], ["0.jpg"]),
    ],
    ids=["a name", "a file's bytes", "the order", "the number"],
)
def test_other_files_under_the_same_key_are_refused(
    path: str, contents: list[bytes], names: list[str], settings: Any
) -> None:
    assert post(path, "a-key", [jpeg(8, 8), jpeg(9, 9)]).status_code == 202
    answer = post(path, "a-key", contents, names)
    assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")
    assert Image.objects.count() == 2
    assert list(settings.INCOMING_ROOT.iterdir()) == []


def test_each_endpoint_has_keys_of_its_own() -> None:
    assert [post(path, "a-key").status_code for path in ENDPOINTS] == [200, 202, 202]
    assert Image.objects.count() == 3


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("key", ["", "k" * 201, "tab\there", "delete\x7f", "next\x85line"])
def test_an_invalid_key_is_refused(path: str, key: str) -> None:
    answer = post(path, key)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert not Image.objects.exists()


@pytest.mark.parametrize(
    "key", ["k" * 200, "607ba1ec-9228-40db-b280-ac3fb58f92dd", "zwölf 'words' and \"quotes\"; %s \\"]
)
def test_a_valid_key_is_accepted(key: str) -> None:
    answers = [post("/api/async/upload", key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert Image.objects.count() == 1


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_repeat_is_refused_with_retry_after_while_the_first_request_runs(path: str, settings: Any) -> None:
    file = spooled(jpeg(64, 48), "0.jpg")
    endpoint = path.removeprefix("/api/")
    assert isinstance(claim_key("a-key", endpoint, _digest_as_sent(path), None), KeyClaim)
    answer = post(path, "a-key")
    assert (answer.status_code, answer.json()["code"]) == (409, "request_in_progress")
    assert answer["Retry-After"] == "1"
    assert not Image.objects.exists()
    file.delete()
    assert list(settings.INCOMING_ROOT.iterdir()) == []


@pytest.mark.parametrize("path", MANY)
def test_a_repeat_takes_over_when_the_first_request_crashed_before_its_rows(path: str) -> None:
    claim_key("a-key", path.removeprefix("/api/"), _digest_as_sent(path), None)
    expire_lease()
    assert post(path, "a-key").status_code == 202
    assert post(path, "a-key").status_code == 202
    assert Image.objects.count() == 1


def test_a_repeat_deletes_the_image_when_the_first_request_crashed_after_its_row(stored_keys: Any) -> None:
    (left,) = pending_images(jpeg())
    claim_key("a-key", "upload", _digest_as_sent("/api/upload"), left.id)
    expire_lease()
    answer = post("/api/upload", "a-key")
    assert answer.status_code == 200
    assert str(Image.objects.get().id) == answer.json()["image"]["id"] != str(left.id)
    assert len(stored_keys()) == 4
    assert not any(str(left.id) in str(key) for key in stored_keys())


def test_a_first_request_that_is_too_late_stores_nothing_and_the_repeat_is_kept(
    settings: Any, stored_keys: Any
) -> None:
    late = claim_key("a-key", "upload", _digest_as_sent("/api/upload"), None)
    assert isinstance(late, KeyClaim)
    expire_lease()
    assert post("/api/upload", "a-key").status_code == 200
    stored = stored_keys()
    with pytest.raises(ApiError, match="request_in_progress"), rendered_upload(spooled(jpeg()), late):
        pytest.fail("it must not be rendered")
    batch_id = uuid4()
    files = validate([spooled(jpeg()), spooled(jpeg())]).accepted
    rows = store_originals(files, batch_id)
    with pytest.raises(ApiError, match="request_in_progress"):
        insert_rows(files, rows, batch_id, late, json_response({}, 202))
    assert Image.objects.count() == 1
    assert stored_keys() == stored
    assert list(settings.INCOMING_ROOT.iterdir()) == []
    assert IdempotentRequest.objects.get().answer_status == 200


def test_a_first_request_that_lost_its_key_while_it_rendered_does_not_complete_the_repeat(
    settings: Any, stored_keys: Any
) -> None:
    file = spooled(jpeg())
    late = claim_key("a-key", "upload", "digest", file.id)
    assert isinstance(late, KeyClaim)

    def lose_the_key_and_complete() -> None:
        with rendered_upload(file, late) as rendered, transaction.atomic():
            complete(rendered)
            expire_lease()
            successor = claim_key("a-key", "upload", "digest", UUID(int=7))
            assert isinstance(successor, KeyClaim)
            late.complete(json_response({}))

    with pytest.raises(ApiError, match="request_in_progress"):
        lose_the_key_and_complete()
    assert list(settings.INCOMING_ROOT.iterdir()) == []


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_after_an_unexpected_exception_the_key_is_released(failure: type[BaseException]) -> None:
    with pytest.raises(failure), settled_on_failure(begun("a-key")):
        raise failure
    assert not IdempotentRequest.objects.exists()


def test_keys_and_their_responses_are_deleted_after_a_day() -> None:
    for key in ("old", "young"):
        begun(key).complete(json_response({}, 202))
    IdempotentRequest.objects.filter(key="old").update(created_at=timezone.now() - timedelta(hours=25))
    assert delete_expired_keys() == 1
    assert delete_expired_keys() == 0
    assert IdempotentRequest.objects.get().key == "young"


def begun(key: str) -> KeyClaim:
    claim = begin(key, "upload", [])
    assert isinstance(claim, KeyClaim)
    return claim


def _digest_as_sent(path: str) -> str:
    """The digest that the endpoint computes for the default files of `post`."""
    post(path, "for its digest")
    digest = IdempotentRequest.objects.get(key="for its digest").files_digest
    delete_images(Image.objects.all())
    IdempotentRequest.objects.all().delete()
    assert digest != digest_of([])
    return digest
