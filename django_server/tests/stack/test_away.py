"""Stopped parts of the stack: clients get the JSON error in time, and the stack recovers without intervention."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest

from tests.support.images.pictures import jpeg
from tests.support.processes.process_tree import descendants, eventually
from tests.support.servers import free_port
from tests.support.stack.asking import FORGOTTEN_SECONDS, client, is_refusal
from tests.support.stack.stack import Stack


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Freeze a process and its descendants."""
    pids = [pid, *descendants(pid)]
    for one in pids:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in pids:
            os.kill(one, signal.SIGCONT)


def test_without_any_web_instance_every_request_gets_our_503(stack: Stack) -> None:
    names = [one.name for one in stack.of("web")]
    stack.stop(*names)
    with client(stack) as asking:
        assert is_refusal(asking.get("/api/list"), "overloaded")
        assert is_refusal(asking.post("/api/upload", files={"image": ("a.jpg", jpeg())}), "overloaded")
        assert asking.get("/gallery").status_code == 200
        # Its name resolves again, but it does not listen yet.
        for name in names:
            stack.names.addresses["web"].append(stack.instances[name].address)
        time.sleep(FORGOTTEN_SECONDS)
        assert is_refusal(asking.get("/api/list"), "overloaded")
        stack.names.addresses["web"].clear()
        stack.start(*names)
        assert eventually(lambda: asking.get("/api/list").status_code == 200, 5)


def test_one_dead_web_instance_is_passed_over(stack: Stack) -> None:
    """A killed instance whose name still resolves makes no request fail."""
    dead = stack.of("web")[0]
    dead.kill()
    try:
        with client(stack) as asking:
            assert {asking.get("/healthz").status_code for _ in range(20)} == {200}
            upload = asking.post("/api/upload", files={"image": ("a.jpg", jpeg())})
            assert upload.status_code == 200
    finally:
        stack.names.addresses["web"].remove(dead.address)
        stack.start(dead.name)


def test_the_sweeper_ends_by_itself_when_it_is_stopped(stack: Stack) -> None:
    stack.stop("sweeper-1")
    assert stack.instances["sweeper-1"].wait(0) == 0
    stack.start("sweeper-1")


def test_without_a_redis_that_responds_the_site_does_not_start(stack: Stack) -> None:
    nowhere = f"redis://127.0.0.1:{free_port()}/0"
    one = stack.one_off("migrate", REDIS_URL=nowhere)
    one.start()
    assert one.wait(60) == 1
    assert one.log_end.strip().endswith(
        "CommandError: Redis does not respond at REDIS_URL, or refuses commands: read the log of the service redis."
    )


def test_behind_the_pool_a_frozen_database_is_still_told_within_five_seconds(stack: Stack) -> None:
    database = stack.instances["db-1"].pid
    picture = {"image": ("a.jpg", jpeg())}
    with client(stack) as asking:
        with frozen(database):
            for method, path, files in (("GET", "/api/list", None), ("POST", "/api/upload", picture)):
                started = time.monotonic()
                answer = asking.request(method, path, files=files)
                assert time.monotonic() - started < 5
                assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert eventually(lambda: asking.get("/readyz").status_code == 200, 20)
        assert asking.post("/api/upload", files={"image": ("a.jpg", jpeg())}).status_code == 200


@pytest.mark.parametrize(("pool", "bound"), [("image-db-web", "3s"), ("image-db", "0")])
def test_the_pool_of_those_who_answer_bounds_its_statements_and_the_other_does_not(
    stack: Stack, pool: str, bound: str
) -> None:
    password = stack.places.path("secrets/database_password").read_text()
    address, port = stack.instances["pgbouncer-1"].address, stack.places.ports["6432"]
    connection = psycopg2.connect(host=address, port=port, user="admin", password=password, dbname=pool)
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == (bound,)
    connection.close()
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(host=address, port=port, user="admin", password="a guess", dbname=pool)
