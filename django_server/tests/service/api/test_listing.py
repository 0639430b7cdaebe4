"""Lists, images and batches: pages by keyset, filters, conditional requests, and a constant number of statements."""

import gzip
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from images.http.pagination import Cursor, parse_cursor
from images.models import Batch, Image
from images.processing.worker_loop import process
from tests.support.images.completed_rows import completed_rows
from tests.support.images.pictures import jpeg, pending_images
from tests.support.images.statement_count import statements

pytestmark = pytest.mark.django_db(transaction=True)


def get(path: str, **query: Any) -> Any:
    return Client().get(path, query)


def follow(path: str) -> list[dict[str, Any]]:
    """The images of all pages, which are found by their Link headers."""
    found: list[dict[str, Any]] = []
    while path:
        answer = Client().get(path)
        assert answer.status_code == 200
        found += answer.json()
        link = answer.get("Link", "")
        path = link[1 : link.index(">")] if link.endswith('rel="next"') else ""
    return found


def test_pages_followed_by_their_links_contain_every_image_once() -> None:
    images = pending_images(*[jpeg(8, 8)] * 7)
    names = [image["name"] for image in follow("/api/list?limit=3")]
    assert names == [image.name for image in reversed(images)]


def test_images_with_the_same_upload_time_are_neither_lost_nor_repeated() -> None:
    images = pending_images(*[jpeg(8, 8)] * 7)
    Image.objects.update(uploaded_at=datetime(2026, 1, 2, tzinfo=UTC))
    assert sorted(image["id"] for image in follow("/api/list?limit=2")) == sorted(
        str(image.id) for image in images
    )


def test_a_new_image_does_not_shift_the_next_page() -> None:
    pending_images(*[jpeg(8, 8)] * 4)
    first = get("/api/list", limit=2)
    pending_images(jpeg(8, 8))
    link = first["Link"]
    second = Client().get(link[1 : link.index(">")])
    shown = [image["id"] for image in first.json() + second.json()]
    assert len(set(shown)) == 4


def test_the_next_page_is_the_same_when_the_last_image_of_a_page_was_deleted() -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    completed_rows(3, moment=moment)
    completed_rows(3)
    rest = [image["id"] for image in follow("/api/list")]
    for limit in (2, 4):
        first = get("/api/list", limit=limit)
        shown = [image["id"] for image in first.json()]
        Image.objects.get(id=shown[-1]).delete()
        completed_rows(1)
        link = first["Link"]
        after = [image["id"] for image in follow(link[1 : link.index(">")])]
        assert after == rest[len(shown) :]
        Image.objects.exclude(id__in=rest).delete()
        rest.remove(shown[-1])


@pytest.mark.parametrize("number", [5, 40])
def test_a_list_takes_two_statements_for_five_images_or_forty(number: int) -> None:
    process([image.id for image in pending_images(*[jpeg(8, 8)] * number)])
    with CaptureQueriesContext(connection) as captured:
        answer = get("/api/list")
    assert len(answer.json()) == number
    assert len(statements(captured)) == 2
    assert all(url.startswith("/media/") for image in answer.json() for url in image["thumbnails"].values())


def test_the_list_is_filtered_by_batch_ids_status_name_and_collection() -> None:
    batch = Batch.objects.create()
    in_batch = pending_images(jpeg(8, 8), jpeg(8, 8), batch=batch)
    pending_images(jpeg(8, 8))
    process([in_batch[0].id])
    ids = [str(image.id) for image in in_batch]
    assert {image["id"] for image in get("/api/list", batch=str(batch.id)).json()} == set(ids)
    assert {image["id"] for image in get("/api/list", ids=",".join(ids)).json()} == set(ids)
    assert {image["id"] for image in get("/api/list", ids=ids).json()} == set(ids)
    assert [image["id"] for image in get("/api/list", status="completed").json()] == [ids[0]]
    assert len(get("/api/list", q="PICTURE-0").json()) == 2
    assert get("/api/list", q="%").json() == []
    assert get("/api/list", collection="elsewhere").json() == []


def conditional(path: str, etag: str, **headers: str) -> Any:
    return Client().get(path, headers={"if-none-match": etag, **headers})


def test_an_unchanged_list_or_batch_gets_304_until_it_changes() -> None:
    batch = Batch.objects.create()
    completed_rows(3, batch)
    for path in ("/api/list?limit=2", f"/api/batches/{batch.id}?limit=2"):
        first = Client().get(path)
        assert first["Cache-Control"] == "no-cache"
        assert first["Vary"] == "Accept-Encoding"
        etag = first["ETag"]
        for if_none_match in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
            same = conditional(path, if_none_match)
            assert (same.status_code, same.content) == (304, b""), if_none_match
            assert [same[name] for name in ("ETag", "Link", "Vary", "Cache-Control")] == [
                first[name] for name in ("ETag", "Link", "Vary", "Cache-Control")
            ]
        assert conditional(path, '"other"').content == first.content
        newest = Image.objects.order_by("-uploaded_at")[:1]
        Image.objects.filter(id__in=newest.values("id")).update(version=F("version") + 1)
        changed = conditional(path, etag)
        assert changed.status_code == 200
        assert changed["ETag"] != etag


def test_the_last_page_has_another_etag_once_there_is_a_next_page() -> None:
    completed_rows(2)
    alone = get("/api/list", limit=2)
    assert "Link" not in alone
    completed_rows(1, moment=datetime(2026, 1, 2, tzinfo=UTC))
    longer = conditional("/api/list?limit=2", alone["ETag"])
    assert (longer.status_code, longer.content) == (200, alone.content)
    assert 'rel="next"' in longer["Link"]


def test_a_list_is_compressed_for_clients_that_accept_gzip_and_is_the_same_json() -> None:
    completed_rows(20)
    plain = get("/api/list")
    for accepted in ("gzip", "br, gzip;q=0.8", "gzip, deflate"):
        small = Client().get("/api/list", headers={"accept-encoding": accepted})
        assert small["Content-Encoding"] == "gzip"
        assert gzip.decompress(small.content) == plain.content
        assert int(small["Content-Length"]) == len(small.content) < len(plain.content) / 4
        assert small["ETag"] == plain["ETag"]
    for accepted in ("identity", "gzip;q=0", "gzip; q=0.0, br", "notgzip-at-all"):
        whole = Client().get("/api/list", headers={"accept-encoding": accepted})
        assert "Content-Encoding" not in whole, accepted
        assert whole.content == plain.content
    assert conditional("/api/list", plain["ETag"], **{"accept-encoding": "gzip"}).status_code == 304
    few = Client().get("/api/list?limit=1", headers={"accept-encoding": "gzip"})
    assert "Content-Encoding" not in few


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 1001},
        {"limit": "many"},
        {"cursor": "garbage"},
        {"cursor": "é"},
        {"cursor": "9" * 199},
        {"ids": "not-an-id"},
        {"ids": ",".join([str(uuid.UUID(int=0))] * 101)},
        {"status": "unknown"},
        {"batch": "x"},
        {"q": "a\0b"},
        {"collection": "\0"},
    ],
)
def test_a_parameter_out_of_its_bounds_is_refused_in_a_sentence(query: dict[str, Any]) -> None:
    answer = get("/api/list", **query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert answer.json()["error"].endswith(".")


@given(st.datetimes(min_value=datetime(1970, 1, 1)), st.uuids())  # noqa: DTZ001  the strategy wants it naive
def test_a_cursor_reads_back_as_it_was_built(moment: datetime, id_: uuid.UUID) -> None:
    cursor = Cursor(moment.replace(tzinfo=UTC), id_)
    assert parse_cursor(str(cursor)) == cursor


def test_an_image_is_read_and_deleted_and_then_not_found(stored_keys: Any) -> None:
    (image,) = pending_images(jpeg())
    process([image.id])
    path = f"/api/images/{image.id}"
    assert get(path).json()["status"] == "completed"
    assert Client().delete(path).status_code == 204
    assert stored_keys() == []
    for answer in (get(path), Client().delete(path)):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_files_of_an_archive_stay_when_the_row_is_deleted(stored_keys: Any) -> None:
    (image,) = pending_images(jpeg())
    process([image.id])
    Image.objects.update(collection="somebodys-archive")
    before = stored_keys()
    assert Client().delete(f"/api/images/{image.id}").status_code == 204
    assert stored_keys() == before


def test_a_batch_has_counts_and_pages_of_images() -> None:
    batch = Batch.objects.create()
    images = pending_images(*[jpeg(8, 8)] * 3, batch=batch)
    process([images[0].id])
    with CaptureQueriesContext(connection) as captured:
        answer = get(f"/api/batches/{batch.id}", limit=2)
    found = answer.json()
    assert (found["total"], found["counts"], found["final"]) == (3, {"completed": 1, "pending": 2}, False)
    assert len(found["images"]) == 2
    assert len(statements(captured)) == 4
    link = answer["Link"]
    assert len(Client().get(link[1 : link.index(">")]).json()["images"]) == 1


def test_batches_are_listed_newest_first_in_two_statements() -> None:
    old = Batch.objects.create(created_at=datetime.now(UTC) - timedelta(hours=1))
    new = Batch.objects.create()
    pending_images(jpeg(8, 8), batch=old)
    with CaptureQueriesContext(connection) as captured:
        found = get("/api/batches").json()
    assert [(batch["id"], batch["total"]) for batch in found] == [(str(new.id), 0), (str(old.id), 1)]
    assert len(statements(captured)) == 2


def test_a_batch_is_aborted_retried_and_deleted_as_a_whole(stored_keys: Any, queue_messages: Any) -> None:
    batch = Batch.objects.create()
    images = pending_images(*[jpeg(8, 8)] * 3, batch=batch)
    process([images[0].id])
    path = f"/api/batches/{batch.id}"
    assert Client().post(f"{path}/abort").json()["counts"] == {"completed": 1, "aborted": 2}
    assert Client().post(f"{path}/retry").json()["counts"] == {"completed": 1, "pending": 2}
    assert len(queue_messages()) == 2
    assert Client().delete(path).json()["changed"] == 3
    assert get(path).status_code == 404
    assert stored_keys() == []


@pytest.mark.parametrize(("action", "code"), [("retry", "not_retryable"), ("abort", "not_abortable")])
def test_a_change_that_the_status_forbids_is_refused_with_the_status(action: str, code: str) -> None:
    (image,) = pending_images(jpeg(8, 8))
    process([image.id])
    answer = Client().post(f"/api/images/{image.id}/{action}")
    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (409, code, "completed")
