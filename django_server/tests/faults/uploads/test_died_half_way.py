"""The same request twice at once, and a first request whose process is killed, on a running site."""

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.images.pictures import jpeg
from tests.support.processes.process_tree import eventually
from tests.support.servers import Postgres
from tests.support.sites.running_site import RunningSite
from tests.support.sites.site_state import all_final, is_ready, require_consistent, transaction, value

ENDPOINTS = {"/api/upload": "image", "/api/async/upload": "images", "/api/async/batch/upload": "images"}


def post(client: httpx.Client, path: str, key: str, content: bytes) -> httpx.Response:
    files = [(ENDPOINTS[path], ("a.jpg", content))]
    return client.post(path, files=files, headers={"Idempotency-Key": key})


def stored(database: Postgres, name: str) -> int:
    return int(value(database.url, "SELECT count(*) FROM images_image WHERE name = %s", name))


@pytest.mark.parametrize("path", ENDPOINTS)
def test_the_same_request_sent_many_times_at_once_is_executed_once(
    site: RunningSite, database: Postgres, path: str
) -> None:
    before, key, content = stored(database, "a.jpg"), str(uuid4()), jpeg(640, 480)
    with site.client() as client, ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: post(client, path, key, content), range(12)))
        last = post(client, path, key, content)
    assert {answer.status_code for answer in answers} <= {200, 202, 409}
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "request_in_progress"
            assert answer.headers["Retry-After"] == "1"
        else:
            assert answer.content == last.content
    assert last.status_code in (200, 202)
    assert stored(database, "a.jpg") == before + 1


@pytest.mark.parametrize(
    ("path", "stuck_at"),
    [
        # After the links and before the rows.
        ("/api/async/batch/upload", "images_image"),
        # After its row and the rendering, and before its thumbnails.
        ("/api/upload", "images_thumbnail"),
    ],
)
def test_a_repeat_after_a_killed_web_process_stores_the_only_image(
    site: RunningSite, database: Postgres, path: str, stuck_at: str
) -> None:
    with site.client() as client:
        # Idle workers do not wait for the locked table.
        all_final(client)
    before, key, content = stored(database, "a.jpg"), str(uuid4()), jpeg(640, 480)
    web = site.process.child("uvicorn")
    broken: list[Any] = []

    def first() -> None:
        with site.client() as client:
            try:
                broken.append(post(client, path, key, content))
            except httpx.TransportError as error:
                broken.append(error)

    request = threading.Thread(target=first)
    with transaction(database.url) as cursor:
        cursor.execute(f"LOCK TABLE {stuck_at} IN EXCLUSIVE MODE")
        request.start()
        waiting = "FROM pg_locks WHERE NOT granted AND relation = %s::regclass"
        assert eventually(lambda: value(database.url, f"SELECT count(*) {waiting}", stuck_at) > 0)
        os.kill(web, signal.SIGKILL)
        request.join()
        # PostgreSQL notices the lost client only when it writes to it: the waiting statement must not be committed.
        cursor.execute(f"SELECT pg_terminate_backend(pid) {waiting}", [stuck_at])
    assert isinstance(broken[0], httpx.TransportError)
    assert eventually(lambda: site.process.has_another(web, "uvicorn") and is_ready(site), 60)
    with site.client() as client:
        answers: list[httpx.Response] = []

        def answered() -> bool:
            answers.append(post(client, path, key, content))
            return answers[-1].status_code != 409

        assert eventually(answered, 60)
        assert answers[-1].status_code in (200, 202)
        assert post(client, path, key, content).content == answers[-1].content
    require_consistent(site)
    assert stored(database, "a.jpg") == before + 1
