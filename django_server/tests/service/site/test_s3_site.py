"""The whole site with its files in a bucket: real web process, worker, sweeper and S3 server."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.images.pictures import broken_jpeg, jpeg
from tests.support.servers import free_port, s3_server
from tests.support.servers.s3 import make_bucket
from tests.support.sites.running_site import RunningSite, running_site, wait_until_final


@pytest.fixture(scope="module")
def s3_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningSite, str]]:
    """A site on an empty bucket, and the bucket's address."""
    with s3_server() as s3:
        port = free_port()
        bucket = make_bucket(s3)
        settings = {
            "PORT": str(port),
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "S3_BUCKET": bucket,
            "S3_ENDPOINT": s3.url,
            "S3_ACCESS_KEY": s3.access_key,
            "S3_SECRET_KEY": s3.secret_key,
        }
        with running_site(tmp_path_factory.mktemp("s3-site"), settings) as site:
            yield site, f"{s3.url}/{bucket}/"


def urls_of(image: dict[str, Any]) -> list[str]:
    return [image["original"], image["image"], *image["thumbnails"].values()]


def test_a_batch_is_processed_from_bucket_to_bucket(s3_site: tuple[RunningSite, str]) -> None:
    site, bucket = s3_site
    names = [f"{number}.jpg" for number in range(12)]
    files = [("images", (name, jpeg(800, 600))) for name in names]
    with site.client() as client:
        accepted = client.post(
            "/api/async/batch/upload", files=[*files, ("images", ("half.jpg", broken_jpeg()))]
        )
        assert accepted.status_code == 202, accepted.text
        images = wait_until_final(client)
        assert sorted(image["status"] for image in images) == ["completed"] * 12 + ["error"]
        for image in images:
            for url in urls_of(image) if image["status"] == "completed" else []:
                assert url.startswith(bucket)
                answer = httpx.get(url)
                assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        completed = images[-1] if images[-1]["status"] == "completed" else images[0]
        redirect = client.get(f"/api/thumbnails/{completed['id']}")
        assert urlsplit(redirect.headers["location"]).path == urlsplit(completed["thumbnails"]["small"]).path
        for image in images:
            assert client.delete(f"/api/images/{image['id']}").status_code == 204
        assert httpx.get(urls_of(completed)[0]).status_code == 404
    assert site.stored_files() == []


def test_readyz_reports_the_storage(s3_site: tuple[RunningSite, str]) -> None:
    site, _ = s3_site
    with site.client() as client:
        assert client.get("/readyz").json()["checks"]["storage"] == "ok"
