"""A worker frozen past its lease, tasks delivered twice, two sweepers, and an image that kills each worker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO

from celery import Celery
from PIL import Image as Picture

from tests.support.corpus import raw_jpeg
from tests.support.processes.process_tree import eventually, is_alive
from tests.support.servers.leash import leashed
from tests.support.sites.fault_site import (
    CHUNK,
    FREE_WITHIN_SECONDS,
    IMAGES,
    PATIENCE_SECONDS,
    SWEEP_SECONDS,
    FaultSite,
    photos,
)
from tests.support.sites.fault_table import Row
from tests.support.sites.started_site import SERVER_ROOT

MAX_ATTEMPTS = 3


def test_a_worker_frozen_past_its_lease_changes_nothing_when_it_continues(
    faults: FaultSite, record: Callable[[Row], None]
) -> None:
    with faults.partly_processed_batch() as batch:
        claims = batch.claims()
        frozen = freeze_outside_a_transaction(faults)
        since = time.monotonic()
        try:
            batch.require_partly_processed()
            free_seconds = batch.free_seconds(claims, since)
            row = batch.require_all_completed("SIGSTOP of a worker child past its lease", since, free_seconds)
            before = batch.jobs()
        finally:
            os.kill(frozen, signal.SIGCONT)
        # It exits if its image has exceeded RENDER_SECONDS; if it had just finished an image, it flushes and goes on.
        eventually(lambda: not is_alive(frozen), 3)
        assert batch.jobs() == before
        assert free_seconds <= FREE_WITHIN_SECONDS
        assert row.repeated <= CHUNK
        record(row)


def test_images_whose_tasks_are_delivered_twice_are_processed_once(
    faults: FaultSite, record: Callable[[Row], None]
) -> None:
    broker = faults.redis.url.replace("unix://", "redis+socket://", 1)
    with faults.partly_processed_batch() as batch, Celery(broker=broker, set_as_current=False) as celery:
        ids = list(batch.jobs())
        for start in range(0, IMAGES, CHUNK):
            arguments = [ids[start : start + CHUNK]]
            celery.send_task("images.process_chunk", args=arguments, queue="uploads")
        since = time.monotonic()
        batch.require_partly_processed()
        row = batch.require_all_completed("every task delivered twice", since)
        assert {(job.version, job.attempts) for job in batch.jobs().values()} == {(3, 1)}
        record(row)


def test_two_sweepers_at_once_repair_each_image_once(
    faults: FaultSite, record: Callable[[Row], None]
) -> None:
    with second_sweeper(faults), faults.partly_processed_batch() as batch:
        claims = batch.claims()
        os.kill(faults.worker_children[0], signal.SIGKILL)
        since = time.monotonic()
        batch.require_partly_processed()
        free_seconds = batch.free_seconds(claims, since)
        row = batch.require_all_completed("kill -9 of a worker child, two sweepers", since, free_seconds)
        assert row.repeated <= CHUNK
        assert {job.version - 2 * job.attempts for job in batch.jobs().values()} == {1}
        record(row)


def test_an_image_that_kills_its_worker_each_time_fails_and_no_other_does(
    faults: FaultSite, record: Callable[[Row], None]
) -> None:
    with faults.site.client() as client:
        poison_file = ("images", ("poison.jpg", slow_jpeg()))
        files = [*photos(11)[:5], poison_file, *photos(11)[6:]]
        answer = client.post("/api/async/batch/upload", files=files)
        assert answer.status_code == 202, answer.text
        jobs = answer.json()["jobs"]
        since = time.monotonic()
        with faults.partly_processed_batch() as batch:
            batch.require_partly_processed()
            row = batch.require_all_completed("an image that kills its worker each time", since)
        final_images = {job["name"]: client.get(f"/api/images/{job['job_id']}").json() for job in jobs}
        poison = final_images.pop("poison.jpg")
        assert (poison["status"], poison["error"]["code"]) == ("error", "processing_failed")
        assert {image["status"] for image in final_images.values()} == {"completed"}
        attempts = {id_: job.attempts for id_, job in faults.jobs(answer.json()["batch_id"]).items()}
        assert attempts.pop(poison["id"]) == MAX_ATTEMPTS
        assert max(attempts.values()) <= 2
        record(row)


def freeze_outside_a_transaction(faults: FaultSite) -> int:
    """The pid of a worker child, frozen outside a transaction: inside one it would keep its locks, another fault."""
    transactions = """
        SELECT count(*) FROM pg_stat_activity
        WHERE state <> 'idle' AND pid <> pg_backend_pid() AND datname = current_database()
    """
    frozen = faults.worker_children[0]
    for _ in range(50):
        os.kill(frozen, signal.SIGSTOP)
        if eventually(lambda: faults.rows(transactions) == [(0,)], 0.5):
            return frozen
        os.kill(frozen, signal.SIGCONT)
    raise AssertionError("The worker child is always in a transaction.")


@contextmanager
def second_sweeper(faults: FaultSite) -> Iterator[None]:
    command = [sys.executable, "manage.py", "sweep", "--every", str(SWEEP_SECONDS)]
    process = subprocess.Popen(
        leashed(command, signal.SIGKILL), cwd=SERVER_ROOT, env=dict(faults.site.environment)
    )
    try:
        yield
        assert process.poll() is None
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def slow_jpeg() -> bytes:
    """59 megapixels (100 would be refused) in 600 scans, 2 MB. Decoding takes many times RENDER_SECONDS."""
    out = BytesIO()
    Picture.linear_gradient("L").resize((7700, 7700)).save(out, "JPEG", progressive=True, quality=60)
    return raw_jpeg.with_repeated_last_scan(out.getvalue(), 600)
