"""Reading: pages by keyset, the same number of statements whatever the page holds."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from images.api.paging import Cursor, parse_cursor
from images.models import Batch, Image
from images.processing.chunk import process
from tests.images.counting import statements
from tests.images.pictures import jpeg, pending_images

pytestmark = pytest.mark.django_db(transaction=True)


def get(path: str, **query: Any) -> Any:
    return Client().get(path, query)


def follow(path: str) -> list[dict[str, Any]]:
    """All pages, as a client reads them: by the Link header."""
    found: list[dict[str, Any]] = []
    while path:
        answer = Client().get(path)
        assert answer.status_code == 200
        found += answer.json()
        link = answer.get("Link", "")
        path = link[1 : link.index(">")] if link.endswith('rel="next"') else ""
    return found


def test_pages_followed_by_their_links_hold_every_image_once() -> None:
    images = pending_images(*[jpeg(8, 8)] * 7)
    names = [image["name"] for image in follow("/api/list?limit=3")]
    assert names == [image.name for image in reversed(images)]


def test_images_of_one_moment_are_neither_lost_nor_repeated() -> None:
    images = pending_images(*[jpeg(8, 8)] * 7)
    Image.objects.update(uploaded_at=datetime(2026, 1, 2, tzinfo=UTC))
    assert sorted(image["id"] for image in follow("/api/list?limit=2")) == sorted(
        str(image.id) for image in images
    )


def test_a_new_image_moves_no_page() -> None:
    pending_images(*[jpeg(8, 8)] * 4)
    first = get("/api/list", limit=2)
    pending_images(jpeg(8, 8))
    link = first["Link"]
    second = Client().get(link[1 : link.index(">")])
    shown = [image["id"] for image in first.json() + second.json()]
    assert len(set(shown)) == 4


@pytest.mark.parametrize("number", [5, 40])
def test_a_list_takes_two_statements_for_five_images_or_forty(number: int) -> None:
    process([image.id for image in pending_images(*[jpeg(8, 8)] * number)])
    with CaptureQueriesContext(connection) as captured:
        answer = get("/api/list")
    assert len(answer.json()) == number
    assert len(statements(captured)) == 2
    assert all(url.startswith("/media/") for image in answer.json() for url in image["thumbnails"].values())


def test_the_filters_of_the_list() -> None:
    batch = Batch.objects.create()
    mine = pending_images(jpeg(8, 8), jpeg(8, 8), batch=batch)
    pending_images(jpeg(8, 8))
    process([mine[0].id])
    ids = [str(image.id) for image in mine]
    assert {image["id"] for image in get("/api/list", batch=str(batch.id)).json()} == set(ids)
    assert {image["id"] for image in get("/api/list", ids=",".join(ids)).json()} == set(ids)
    assert {image["id"] for image in get("/api/list", ids=ids).json()} == set(ids)
    assert [image["id"] for image in get("/api/list", status="completed").json()] == [ids[0]]
    assert len(get("/api/list", q="PICTURE-0").json()) == 2
    assert get("/api/list", q="%").json() == []
    assert get("/api/list", collection="elsewhere").json() == []


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


def test_one_image_its_absence_and_its_deletion(stored_keys: Any) -> None:
    (image,) = pending_images(jpeg())
    process([image.id])
    path = f"/api/images/{image.id}"
    assert get(path).json()["status"] == "completed"
    assert Client().delete(path).status_code == 204
    assert stored_keys() == []
    for answer in (get(path), Client().delete(path)):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_guests_files_stay_when_its_row_is_deleted(stored_keys: Any) -> None:
    (image,) = pending_images(jpeg())
    process([image.id])
    Image.objects.update(collection="somebodys-archive")
    before = stored_keys()
    assert Client().delete(f"/api/images/{image.id}").status_code == 204
    assert stored_keys() == before


def test_a_batch_tells_its_counts_and_pages_its_images() -> None:
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
def test_a_change_that_does_not_fit_the_state_is_refused_with_it(action: str, code: str) -> None:
    (image,) = pending_images(jpeg(8, 8))
    process([image.id])
    answer = Client().post(f"/api/images/{image.id}/{action}")
    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (409, code, "completed")
