"""`GET /api/batches/{id}?wait=`: responds when all images are final, and delays no other request."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.images.pictures import jpeg
from tests.support.servers import Postgres
from tests.support.sites.running_site import RunningSite
from tests.support.sites.site_state import transaction, value

# PostgreSQL has a hundred connections.
WAITERS = 250
FEW = 50
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity"


@pytest.fixture
def unfinished(site: RunningSite, database: Postgres) -> Iterator[dict[str, Any]]:
    """The only job of a batch, which does not become final: its claim has a lease of an hour and no worker."""
    with site.client() as client:
        answer = client.post("/api/async/batch/upload", files=[("images", ("a.jpg", jpeg(64, 48)))]).json()
        job: dict[str, Any] = answer["jobs"][0]
        assert client.get(f"/api/batches/{job['batch_id']}", params={"wait": 60}).json()["final"]
    with transaction(database.url) as cursor:
        cursor.execute(
            "UPDATE images_image SET status = 'processing', claim = gen_random_uuid(), finished_at = NULL, "
            "lease_until = now() + interval '1 hour' WHERE id = %s",
            [job["id"]],
        )
    yield job
    with site.client() as client:
        assert client.delete(f"/api/batches/{job['batch_id']}").status_code == 202


def test_the_response_is_sent_when_all_images_are_final(site: RunningSite) -> None:
    files = [("images", (f"{index}.jpg", jpeg(800, 600))) for index in range(8)]
    with site.client() as client:
        batch = client.post("/api/async/batch/upload", files=files).json()["batch_id"]
        response = client.get(f"/api/batches/{batch}", params={"wait": 60}).json()
    assert (response["final"], response["counts"]) == (True, {"completed": 8})
    assert len(response["images"]) == 8


def test_the_response_is_sent_when_the_time_is_up(site: RunningSite, unfinished: dict[str, Any]) -> None:
    started = time.monotonic()
    with site.client() as client:
        response = client.get(f"/api/batches/{unfinished['batch_id']}", params={"wait": 1}).json()
    assert time.monotonic() - started >= 1
    assert (response["final"], response["counts"]) == (False, {"processing": 1})


@pytest.mark.parametrize(
    ("wait", "status"), [("0", 200), ("61", 400), ("-1", 400), ("soon", 400), ("", 400), ("²", 400)]
)
def test_only_zero_to_sixty_seconds_are_accepted(
    site: RunningSite, unfinished: dict[str, Any], wait: str, status: int
) -> None:
    with site.client() as client:
        answer = client.get(f"/api/batches/{unfinished['batch_id']}", params={"wait": wait})
    assert answer.status_code == status


def test_an_unknown_batch_gets_404_without_waiting(site: RunningSite) -> None:
    started = time.monotonic()
    with site.client() as client:
        answer = client.get(f"/api/batches/{uuid4()}", params={"wait": 60})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert time.monotonic() - started < 30


async def test_many_waiting_requests_use_no_thread_and_no_connection_and_delay_no_other_request(
    site: RunningSite, database: Postgres, unfinished: dict[str, Any]
) -> None:
    url = f"/api/batches/{unfinished['batch_id']}"
    limits = httpx.Limits(max_connections=WAITERS + 10)
    async with httpx.AsyncClient(base_url=site.url, timeout=90, limits=limits) as client:
        waiters = [asyncio.create_task(client.get(url, params={"wait": 60})) for _ in range(WAITERS)]
        threads, connections = [], []
        for _ in range(20):
            assert (await client.get("/api/list", timeout=5)).status_code == 200
            threads.append(_threads(site.process.child("uvicorn")))
            connections.append(value(database.url, CONNECTIONS))
            await asyncio.sleep(0.1)
        assert not any(waiter.done() for waiter in waiters)
        assert min(threads) < FEW
        assert min(connections) < FEW
        assert (await client.post(f"/api/images/{unfinished['id']}/abort")).status_code == 202
        started = time.monotonic()
        # All wake at the same time, and even then do not use all connections.
        while not all(waiter.done() for waiter in waiters):
            assert await asyncio.to_thread(value, database.url, CONNECTIONS) < FEW
            assert time.monotonic() - started < 30
            await asyncio.sleep(0.01)
        answers = await asyncio.gather(*waiters)
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.json()["final"] for answer in answers)


async def test_a_client_that_disconnects_while_it_waits_leaves_no_open_file(
    site: RunningSite, unfinished: dict[str, Any]
) -> None:
    web = site.process.child("uvicorn")
    before = _open_files(web)
    async with httpx.AsyncClient(base_url=site.url) as client:
        for _ in range(20):
            with pytest.raises(httpx.ReadTimeout):
                await client.get(
                    f"/api/batches/{unfinished['batch_id']}",
                    params={"wait": 60},
                    timeout=httpx.Timeout(5, read=0.05),
                )
    async with asyncio.timeout(30):
        while _open_files(web) > before + 5:
            await asyncio.sleep(0.1)


def _threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def _open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
