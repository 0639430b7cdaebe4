"""The URLs of pictures in responses: the stored file's if it is valid, else the on-demand URL."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from images.models import Image, Thumbnail
from images.processing.worker_loop import process
from images.queries import listed_image, prefetched
from images.serializers import image_json
from tests.support.images.completed_images import archived, completed_upload
from tests.support.images.pictures import jpeg, pending_images
from tests.support.images.statement_count import statements

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_list_with_valid_thumbnails_links_only_to_storage() -> None:
    process([image.id for image in pending_images(*[jpeg(8, 8)] * 40)])
    with CaptureQueriesContext(connection) as captured:
        answer = Client().get("/api/list")
    assert sum("images_thumbnail" in one for one in statements(captured)) == 1
    urls = [url for image in answer.json() for url in [*image["thumbnails"].values(), image["image"]]]
    assert len(urls) == 160
    assert not [url for url in urls if "/api/" in url]
    assert all("?v=" in url for url in urls)


@pytest.mark.parametrize("labels", [1, 3])
@pytest.mark.parametrize("number", [5, 40])
def test_a_list_takes_two_statements_for_any_mix_of_images(number: int, labels: int, settings: Any) -> None:
    sizes = dict(list(settings.THUMBNAILS["SIZES"].items())[:labels])
    settings.THUMBNAILS = {"SIZES": sizes, "QUALITY": 82}
    process([image.id for image in pending_images(*[jpeg(8, 8)] * number)])
    with CaptureQueriesContext(connection) as captured:
        answer = Client().get("/api/list")
    assert len(statements(captured)) == 2
    assert {len(image["thumbnails"]) for image in answer.json()} == {labels}


def test_an_instance_without_prefetch_has_on_demand_urls_and_no_statement() -> None:
    completed_upload()
    image = Image.objects.get()
    with CaptureQueriesContext(connection) as captured:
        shown = image_json(*listed_image(image))
    assert statements(captured) == []
    assert shown["thumbnails"]["small"] == f"/api/thumbnails/{image.id}?label=small"


def test_prefetched_instances_have_the_urls_of_the_list() -> None:
    completed_upload()
    completed_upload()
    with CaptureQueriesContext(connection) as captured:
        shown = [
            image_json(*listed_image(image)) for image in prefetched(Image.objects.order_by("-uploaded_at"))
        ]
    assert len(statements(captured)) == 2
    assert shown == Client().get("/api/list").json()


@pytest.mark.parametrize("action", ["retry", "abort", "delete"])
def test_the_response_to_a_change_reads_no_thumbnails(action: str, queue_messages: Any) -> None:
    (image,) = pending_images(jpeg(8, 8))
    if action == "retry":
        Image.objects.update(status="aborted", finished_at="2026-01-01T00:00Z")
    with CaptureQueriesContext(connection) as captured:
        if action == "delete":
            answer = Client().delete(f"/api/images/{image.id}")
        else:
            answer = Client().post(f"/api/images/{image.id}/{action}")
    assert answer.status_code in (202, 204)
    reads = [one for one in statements(captured) if one.startswith("SELECT") and "images_thumbnail" in one]
    # A deletion has to know the files.
    assert len(reads) == (1 if action == "delete" else 0)


def test_with_a_public_url_every_address_is_absolute(settings: Any) -> None:
    settings.PUBLIC_URL = "https://photos.example"
    completed_upload()
    archived()
    Thumbnail.objects.filter(label="small").delete()
    for image in Client().get("/api/list").json():
        urls = [image["original"], image["image"], *image["thumbnails"].values()]
        assert all(url.startswith("https://photos.example/") for url in urls)


def test_a_file_name_of_any_characters_gives_a_working_url() -> None:
    image = archived("a b#?%é\\_1.jpg")
    shown = Client().get(f"/api/images/{image.id}").json()
    assert "/a%20b%23%3F%25%C3%A9%5C_1.jpg?v=" in shown["original"]
