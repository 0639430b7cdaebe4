"""Two of the largest images at once stay below the memory limits of docker-compose.yml."""

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image as Picture

from tests.support.docker.site import Site, post


@pytest.fixture
def patient(site: Site) -> Iterator[Site]:
    """The site with the default time limits: an image of 100 megapixels takes longer than those of the other tests."""
    short = {name: site.variables[name] for name in ("LEASE_SECONDS", "RENDER_SECONDS")}
    site.set(LEASE_SECONDS="60", RENDER_SECONDS="45")
    site.sh("docker compose up --detach")
    site.await_well()
    yield site
    site.set(**short)
    site.sh("docker compose up --detach")
    site.await_well()


def webp_of_100_megapixels() -> bytes:
    out = io.BytesIO()
    Picture.new("RGB", (10_000, 10_000), "teal").save(out, "WEBP", quality=1, method=0)
    return out.getvalue()


def test_two_webp_images_of_100_megapixels_at_once_are_no_reason_to_kill_a_container(patient: Site) -> None:
    picture = webp_of_100_megapixels()
    batch = patient.send_batch(2, picture)
    patient.await_batch(batch, 2)

    def upload(number: int) -> str:
        with patient.client() as client:
            return str(post(client, "/api/upload", {"image": (f"{number}.webp", picture)})["image"]["status"])

    with ThreadPoolExecutor() as pool:
        assert list(pool.map(upload, range(2))) == ["completed"] * 2
    for one in patient.containers("web", "worker"):
        assert one.restarts == 0
        assert not patient.engine.inspect([one.id])[0]["State"]["OOMKilled"]
