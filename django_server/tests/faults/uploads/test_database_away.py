"""PostgreSQL is stopped, frozen or locked: each endpoint responds with 503 within five seconds and stores no part."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
import pytest

from tests.support.images.pictures import jpeg
from tests.support.processes.process_tree import eventually
from tests.support.servers import Postgres
from tests.support.sites.running_site import RunningSite
from tests.support.sites.site_state import is_ready, require_consistent, transaction, value

# The limit that the documentation of the API names.
PROMISED_SECONDS = 5.0
ID = "00000000-0000-0000-0000-000000000000"
FILE = ("a.jpg", jpeg(64, 48))
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/upload", {"files": {"image": FILE}}),
    ("POST", "/api/async/upload", {"files": {"images": FILE}}),
    ("POST", "/api/async/batch/upload", {"files": {"images": FILE}}),
    ("POST", "/api/upload", {"files": {"image": FILE}, "headers": {"Idempotency-Key": "away"}}),
    ("POST", "/api/async/batch/upload", {"files": {"images": FILE}, "headers": {"Idempotency-Key": "away"}}),
    ("GET", "/api/list", {}),
    ("GET", "/api/list?q=a&status=completed", {}),
    ("GET", f"/api/images/{ID}", {}),
    ("DELETE", f"/api/images/{ID}", {}),
    ("POST", f"/api/images/{ID}/retry", {}),
    ("POST", f"/api/images/{ID}/abort", {}),
    ("GET", "/api/batches", {}),
    ("GET", f"/api/batches/{ID}", {}),
    ("DELETE", f"/api/batches/{ID}", {}),
    ("POST", f"/api/batches/{ID}/abort", {}),
]


@contextmanager
def stopped(database: Postgres) -> Iterator[None]:
    database.stop()
    try:
        yield
    finally:
        database.start()


@contextmanager
def frozen(database: Postgres) -> Iterator[None]:
    database.freeze()
    try:
        yield
    finally:
        database.thaw()


def timed(send: Callable[[], httpx.Response]) -> tuple[httpx.Response, float]:
    started = time.monotonic()
    return send(), time.monotonic() - started


def require_refusal(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert set(answer.json()) == {"error", "code"}
    # The text of a library's exception would name the host, its port or the account.
    assert answer.json()["error"] == "The database is not available. Try again in a moment."


@pytest.mark.parametrize("away", [stopped, frozen])
def test_every_endpoint_responds_with_503_within_five_seconds_and_works_again_afterwards(
    site: RunningSite, database: Postgres, away: Any
) -> None:
    with site.client() as client, ThreadPoolExecutor(len(REQUESTS)) as pool:
        client.get("/api/limits")
        with away(database):
            sent = [
                pool.submit(timed, partial(client.request, method, path, **arguments))
                for method, path, arguments in REQUESTS
            ]
            for request, future in zip(REQUESTS, sent, strict=True):
                answer, seconds = future.result()
                require_refusal(answer)
                assert seconds < PROMISED_SECONDS, request
            ready, seconds = timed(lambda: client.get("/readyz"))
            assert (ready.status_code, ready.json()["checks"]["database"]) == (503, "unavailable")
            assert seconds < PROMISED_SECONDS
            assert client.get("/healthz").status_code == 200
        assert eventually(lambda: is_ready(site), 30)
        assert eventually(lambda: client.get("/api/list").status_code == 200, 30)
        for method, path, arguments in REQUESTS[:5]:
            retry = partial(client.request, method, path, **arguments)
            assert eventually(lambda: retry().status_code in (200, 202), 30)  # noqa: B023  asked at once
    require_consistent(site)


def test_a_statement_that_waits_for_a_lock_is_aborted_in_time(site: RunningSite, database: Postgres) -> None:
    with site.client() as client, transaction(database.url) as cursor:
        cursor.execute("LOCK TABLE images_image IN ACCESS EXCLUSIVE MODE")
        answer, seconds = timed(lambda: client.get("/api/list"))
    require_refusal(answer)
    assert seconds < PROMISED_SECONDS


def test_a_statement_is_aborted_in_time_when_its_database_freezes(
    site: RunningSite, database: Postgres
) -> None:
    answers: list[tuple[httpx.Response, float]] = []
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'images_image'::regclass"
    with site.client() as client, transaction(database.url) as cursor:
        cursor.execute("LOCK TABLE images_image IN ACCESS EXCLUSIVE MODE")
        request = threading.Thread(target=lambda: answers.append(timed(lambda: client.get("/api/list"))))
        request.start()
        assert eventually(lambda: value(database.url, waiting) > 0)
        with frozen(database):
            request.join(60)
            assert answers
    require_refusal(answers[0][0])
    assert answers[0][1] < PROMISED_SECONDS


def test_a_request_that_waits_for_a_batch_gets_503_too(site: RunningSite, database: Postgres) -> None:
    with site.client() as client, frozen(database):
        answer, seconds = timed(lambda: client.get(f"/api/batches/{ID}", params={"wait": 60}))
    require_refusal(answer)
    assert seconds < PROMISED_SECONDS


def test_commands_have_no_statement_timeout(site: RunningSite) -> None:
    source = (
        "import django; django.setup();"
        "from django.db import connection; cursor = connection.cursor();"
        "cursor.execute('SHOW statement_timeout'); assert cursor.fetchone() == ('0',)"
    )
    site.manage("shell", "--verbosity", "0", "--command", source, environment={})
