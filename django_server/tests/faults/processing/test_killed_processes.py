"""Processes of the site are killed while 200 images are processed: no image is lost, and few are rendered twice."""

import os
import signal
import threading
import time
import uuid
from collections.abc import Callable

import httpx
import pytest

from tests.support.processes.process_tree import eventually, is_alive
from tests.support.sites.fault_site import (
    CHUNK,
    FREE_WITHIN_SECONDS,
    IMAGES,
    PATIENCE_SECONDS,
    FaultSite,
    photos,
)
from tests.support.sites.fault_table import Row


@pytest.mark.parametrize(("killed", "processes"), [("one worker child", 1), ("the whole worker", 2)])
def test_images_of_a_killed_worker_are_processed_by_another_soon_after_their_lease(
    faults: FaultSite, record: Callable[[Row], None], killed: str, processes: int
) -> None:
    with faults.partly_processed_batch() as batch:
        claims = batch.claims()
        os.kill(faults.worker_children[0] if processes == 1 else faults.worker, signal.SIGKILL)
        since = time.monotonic()
        left = batch.require_partly_processed()
        free_seconds = batch.free_seconds(claims, since)
        row = batch.require_all_completed(f"kill -9 of {killed}", since, free_seconds)
        assert free_seconds <= FREE_WITHIN_SECONDS
        assert row.final_seconds <= FREE_WITHIN_SECONDS + 3 * left * batch.image_seconds
        assert row.repeated <= processes * CHUNK
        # Version 1 is `pending`; each attempt makes two changes. All attempts but the last ended with their lease.
        assert {job.version - 2 * job.attempts for job in batch.jobs().values()} == {1}
        record(row)


def test_a_terminated_worker_hands_back_the_images_it_has_not_begun(
    faults: FaultSite, record: Callable[[Row], None]
) -> None:
    with faults.partly_processed_batch() as batch:
        worker = faults.worker
        os.kill(worker, signal.SIGTERM)
        since = time.monotonic()
        batch.require_partly_processed()
        assert eventually(lambda: not is_alive(worker))
        free_seconds = time.monotonic() - since
        # The next worker takes seconds to start: an image still claimed now would wait for its lease to expire.
        assert batch.claims() == set()
        row = batch.require_all_completed("SIGTERM of the worker (deploy)", since, free_seconds)
        assert row.repeated == 0
        record(row)


def test_images_of_a_web_process_killed_after_its_202_are_processed(
    faults: FaultSite, record: Callable[[Row], None]
) -> None:
    with faults.partly_processed_batch() as batch:
        os.kill(faults.web, signal.SIGKILL)
        since = time.monotonic()
        batch.require_partly_processed()
        row = batch.require_all_completed("kill -9 of the web process", since)
        assert row.repeated == 0
        record(row)


def test_an_upload_cut_off_by_a_killed_web_process_is_sent_again_and_stored_once(
    faults: FaultSite, record: Callable[[Row], None]
) -> None:
    batch_id, key = str(uuid.uuid4()), {"Idempotency-Key": str(uuid.uuid4())}
    answers: list[httpx.Response] = []

    def send_until_answered() -> None:
        with faults.site.client() as client:
            while not answers:
                try:
                    answer = client.post(
                        "/api/async/batch/upload",
                        params={"batch": batch_id},
                        headers=key,
                        files=photos(IMAGES),
                    )
                except httpx.TransportError:
                    time.sleep(0.2)
                    continue
                if answer.status_code == 202:
                    answers.append(answer)
                else:
                    assert answer.json()["code"] == "request_in_progress", answer.text
                    time.sleep(0.2)

    web = faults.web
    sending = threading.Thread(target=send_until_answered)
    with faults.partly_processed_batch() as batch:
        sending.start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(faults.spooled()) < CHUNK:  # polled without a pause: the rows follow soon
            assert time.monotonic() < deadline
        os.kill(web, signal.SIGKILL)
        since = time.monotonic()
        assert faults.jobs(batch_id) == {}
        batch.require_partly_processed()
        sending.join(60)
        assert len(answers) == 1
        assert len(faults.jobs(batch_id)) == IMAGES
        row = batch.require_all_completed("kill -9 of the web process mid-upload", since)
        assert {job.status for job in faults.jobs(batch_id).values()} == {"completed"}
        assert row.repeated == 0
        record(row)
