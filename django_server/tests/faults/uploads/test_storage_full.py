"""A really full file system: uploads get a 503, and no row without its file or file without its row is left."""

from typing import Any

import pytest

from tests.support.images.pictures import jpeg
from tests.support.sites.room import Room
from tests.support.sites.running_site import RunningSite
from tests.support.sites.site_state import require_consistent

ENDPOINTS = {"/api/upload": "image", "/api/async/upload": "images", "/api/async/batch/upload": "images"}
# The small one stays in memory until it is parsed; the large one is written to disk while it arrives.
CONTENTS = {"small": jpeg(800, 600), "large": jpeg(800, 600) + bytes(5 * 2**20)}


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("content", CONTENTS)
def test_an_upload_is_refused_and_nothing_of_it_is_kept(
    site: RunningSite, room: Room, path: str, content: str
) -> None:
    files = {ENDPOINTS[path]: ("a.jpg", CONTENTS[content])}
    with site.client() as client:
        before = client.get("/api/list", params={"limit": 1000}).json()
        room.take()
        answer = client.post(path, files=files, headers={"Idempotency-Key": f"{path} {content}"})
        assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
        assert answer.headers["Retry-After"] == "5"
        assert client.get("/readyz").json()["checks"]["storage"] == "unavailable"
        assert len(client.get("/api/list", params={"limit": 1000}).json()) == len(before)
        room.give_back()
        again = client.post(path, files=files, headers={"Idempotency-Key": f"{path} {content}"})
        assert again.status_code in (200, 202)
    require_consistent(site)


def test_nothing_is_kept_of_a_batch_that_fills_the_storage_while_it_arrives(
    site: RunningSite, room: Room
) -> None:
    if not site.data_dir.is_mount():
        room.take()
    files: list[Any] = [("images", (f"{index}.jpg", CONTENTS["large"])) for index in range(12)]
    with site.client() as client:
        before = len(client.get("/api/list", params={"limit": 1000}).json())
        # 60 MB of files, 48 MB of space.
        answer = client.post("/api/async/batch/upload", files=files)
        assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
        assert len(client.get("/api/list", params={"limit": 1000}).json()) == before
    require_consistent(site)
