"""The app with a bucket of a real server: uploading, processing, generating and deleting, and the URLs to the bucket.

The server (moto) checks neither signatures nor expiry: the tests check them in the URLs.
"""

import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as current
from django.core.files.base import ContentFile
from django.test import Client

from filestore.s3 import S3Store
from images.checks import urls_outlive_their_caches
from images.models import Image, Status, Thumbnail
from images.processing.worker_loop import process
from images.storage import storage
from images.thumbnails.generate import generate_in_worker
from tests.support.images.completed_images import request_thumbnail
from tests.support.images.pictures import jpeg, pending_images
from tests.support.servers import s3_server
from tests.support.servers.s3 import S3, make_bucket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with s3_server() as server:
        yield server


@pytest.fixture
def bucket(server: S3, settings: Any) -> str:
    """An empty bucket in which the app stores its files."""
    settings.S3_BUCKET = make_bucket(server)
    settings.S3_ENDPOINT = server.url
    settings.S3_ACCESS_KEY, settings.S3_SECRET_KEY = server.access_key, server.secret_key
    settings.PUBLIC_URL = "https://photos.example"
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "images.storage.s3.S3Storage"}}
    return str(settings.S3_BUCKET)


@pytest.fixture
def store(bucket: str, server: S3) -> S3Store:
    return S3Store(bucket, endpoint=server.url, access_key=server.access_key, secret_key=server.secret_key)


def fetched(url: str) -> tuple[bytes, Any]:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  our own server's
        return answer.read(), answer.headers


def uploaded() -> Image:
    (image,) = pending_images(jpeg(640, 400))
    process([image.id])
    image.refresh_from_db()
    assert image.status == Status.COMPLETED
    return image


def test_an_image_is_stored_in_the_bucket_and_responses_link_to_it(store: S3Store) -> None:
    image = uploaded()
    assert len(list(store.list("attachments/uploads"))) == 4
    (shown,) = Client().get("/api/list").json()
    urls = [shown["original"], shown["image"], *shown["thumbnails"].values()]
    for url in urls:
        query = parse_qs(urlsplit(url).query)
        assert query["X-Amz-Expires"] == [str(current.S3_URL_SECONDS)]
        assert len(query["X-Amz-Signature"][0]) == 64
        content, headers = fetched(url)
        assert content.startswith(b"\xff\xd8\xff")
        assert headers["Content-Type"] == "image/jpeg"
        assert headers["Cache-Control"] == f"private, max-age={current.S3_URL_SECONDS // 4}"
    assert Client().get("/api/list").json() == [shown]
    assert Client().delete(f"/api/images/{image.id}").status_code == 204
    assert list(store.list()) == []


def test_uploads_of_every_kind_are_stored_in_the_bucket(store: S3Store, queue_messages: Any) -> None:
    one = ContentFile(jpeg(64, 40), "one.jpg")
    answer = Client().post("/api/upload", {"image": one})
    assert answer.status_code == 200, answer.content
    many = [ContentFile(jpeg(64, 40), f"{number}.jpg") for number in range(5)]
    answer = Client().post("/api/async/batch/upload", {"images": many})
    assert answer.status_code == 202, answer.content
    assert len(list(store.list("attachments/uploads/originals"))) == 6
    assert list(Path(current.INCOMING_ROOT).iterdir()) == []


def test_a_public_bucket_has_unsigned_urls_that_may_be_cached_for_a_year(bucket: str, settings: Any) -> None:
    settings.S3_PUBLIC = True
    uploaded()
    (shown,) = Client().get("/api/list").json()
    url = shown["thumbnails"]["small"]
    assert "X-Amz" not in url
    assert "?v=" in url
    # This server has no public buckets: the file is read with a signed URL.
    with pytest.raises(urllib.error.HTTPError, match="403"):
        fetched(url)
    signed = storage()._signer.url(Thumbnail.objects.get(label="small").key, datetime.now(UTC))  # type: ignore[attr-defined]
    assert fetched(signed)[1]["Cache-Control"] == "public, max-age=31536000, immutable"


def test_a_custom_domain_takes_the_place_of_the_bucket(bucket: str, settings: Any) -> None:
    settings.S3_PUBLIC, settings.S3_CUSTOM_DOMAIN = True, "cdn.example"
    image = uploaded()
    (shown,) = Client().get("/api/list").json()
    assert shown["original"].startswith(f"https://cdn.example/{image.key}?v=")


def test_all_urls_of_an_image_are_absolute(bucket: str) -> None:
    image = uploaded()
    Thumbnail.objects.filter(label="small").delete()
    (shown,) = Client().get("/api/list").json()
    assert shown["thumbnails"]["small"] == f"https://photos.example/api/thumbnails/{image.id}?label=small"
    assert all(url.startswith("http") for url in shown["thumbnails"].values())


def test_a_missing_thumbnail_is_generated_from_the_bucket_and_redirected_to(store: S3Store) -> None:
    image = uploaded()
    for thumbnail in Thumbnail.objects.all():
        store.delete(thumbnail.key)
    Thumbnail.objects.all().delete()
    answer = request_thumbnail(image, "medium")
    assert answer.status_code == 302
    assert fetched(answer["Location"])[0].startswith(b"\xff\xd8\xff")
    assert len(list(store.list("attachments/uploads/thumbnails"))) == 3
    assert list(Path(current.INCOMING_ROOT).iterdir()) == []


def test_an_archives_original_is_known_by_its_etag(store: S3Store) -> None:
    image = uploaded()
    key = "attachments/fungi/originals/a.jpg"
    with store.writing(key) as file:
        file.write(jpeg(640, 400, "red"))
    Image.objects.update(collection="fungi", key=key, source_version=store.stat(key).version)
    Thumbnail.objects.all().delete()
    assert request_thumbnail(image).status_code == 302
    with store.writing(key) as file:
        file.write(jpeg(800, 400, "red"))
    Thumbnail.objects.filter(label="small").delete()
    generate_in_worker(image.id)
    image.refresh_from_db()
    assert image.source_version == store.stat(key).version
    assert (image.width, set(Thumbnail.objects.values_list("source_version", flat=True))) == (
        800,
        {image.source_version},
    )


def test_an_original_missing_in_the_bucket_is_reported(store: S3Store) -> None:
    image = uploaded()
    Thumbnail.objects.all().delete()
    store.delete(image.key)
    answer = request_thumbnail(image)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_bucket_that_does_not_answer_is_503_everywhere(bucket: str, settings: Any) -> None:
    image = uploaded()
    Thumbnail.objects.all().delete()
    settings.S3_ENDPOINT = "http://127.0.0.1:9"  # the port of `discard`, where no server listens
    settings.STORAGES = dict(settings.STORAGES)
    for answer in (
        request_thumbnail(image),
        Client().post("/api/upload", {"image": ContentFile(jpeg(), "a.jpg")}),
        Client().post("/api/async/upload", {"images": [ContentFile(jpeg(), "a.jpg")]}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
        assert answer["Retry-After"]
    assert Client().get("/readyz").json()["checks"]["storage"] == "unavailable"
    assert Image.objects.count() == 1


def test_djangos_own_storage_methods_work(bucket: str) -> None:
    name = storage().save("attachments/x/originals/a.jpg", ContentFile(b"first"))
    assert storage().save(name, ContentFile(b"second")) == name
    with storage().open(name) as file:
        assert file.read() == b"second"


@pytest.mark.parametrize(
    ("changed", "id_"),
    [
        ({"S3_CUSTOM_DOMAIN": "cdn.example"}, "images.E005"),
        ({"S3_URL_SECONDS": 1200}, "images.E006"),
        ({"S3_URL_SECONDS": 604_801}, "images.E006"),
    ],
)
def test_invalid_settings_are_refused(bucket: str, settings: Any, changed: dict[str, Any], id_: str) -> None:
    assert urls_outlive_their_caches() == []
    for name, value in changed.items():
        setattr(settings, name, value)
    assert [error.id for error in urls_outlive_their_caches()] == [id_]
    settings.S3_PUBLIC = True
    assert urls_outlive_their_caches() == []
