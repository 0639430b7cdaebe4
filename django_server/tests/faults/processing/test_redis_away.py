"""Redis is stopped, frozen or emptied while 200 images are processed: uploads work, and later all are processed."""

import statistics
import time
from collections.abc import Callable

import httpx
import pytest
from redis import Redis as RedisClient

from tests.support.processes.process_tree import eventually
from tests.support.sites.fault_site import FaultSite, photos, timed
from tests.support.sites.fault_table import Row

# The documented limit for an upload while Redis is unavailable.
ACCEPTED_WITHIN_SECONDS = 1.0


def list_seconds(client: httpx.Client) -> float:
    """The median time of nine requests for the list."""
    taken = []
    for _ in range(9):
        answer, seconds = timed(lambda: client.get("/api/list"))
        assert answer.status_code == 200
        taken.append(seconds)
    return statistics.median(taken)


def require_no_tries_counted_without_a_queue(faults: FaultSite) -> None:
    """Sweeps without a queue must not raise `queue_tries`: within days it would exceed the column's range."""
    log = faults.site.data_dir / "logs" / "sweeper.log"
    before = log.read_text().count("The queue is unavailable")
    assert eventually(lambda: log.read_text().count("The queue is unavailable") >= before + 2)
    tries = "SELECT max(queue_tries) FROM images_image WHERE status = 'pending' AND queued_at IS NULL"
    assert eventually(lambda: faults.rows(tries) == [(0,)])


@pytest.mark.parametrize(
    ("away", "back", "fault"),
    [
        ("stop", "start", "Redis stopped, later started empty"),
        ("freeze", "thaw", "Redis frozen, later thawed"),
    ],
)
def test_without_redis_uploads_and_lists_work_and_readyz_names_the_broker(
    faults: FaultSite, record: Callable[[Row], None], away: str, back: str, fault: str
) -> None:
    with faults.site.client() as client:
        usual_seconds = list_seconds(client)
        with faults.partly_processed_batch() as batch:
            getattr(faults.redis, away)()
            try:
                batch.require_partly_processed()
                for _ in range(3):
                    answer, seconds = timed(lambda: client.post("/api/async/batch/upload", files=photos(5)))
                    assert (answer.status_code, len(answer.json()["jobs"])) == (202, 5)
                    assert seconds < ACCEPTED_WITHIN_SECONDS
                assert list_seconds(client) < 5 * usual_seconds + 0.1
                readiness = client.get("/readyz")
                assert readiness.status_code == 503
                assert readiness.json()["checks"]["broker"] == "unavailable"
                assert readiness.json()["checks"]["database"] == "ok"
                require_no_tries_counted_without_a_queue(faults)
            finally:
                getattr(faults.redis, back)()
            since = time.monotonic()
            record(batch.require_all_completed(fault, since))
        assert eventually(faults.is_ready)


def test_all_images_are_processed_after_redis_was_killed_and_started_empty(
    faults: FaultSite, record: Callable[[Row], None]
) -> None:
    with faults.partly_processed_batch() as batch:
        faults.redis.kill()
        batch.require_partly_processed()
        faults.redis.start()
        record(batch.require_all_completed("kill -9 of Redis, started empty", time.monotonic()))


def test_all_images_are_processed_after_redis_was_emptied(
    faults: FaultSite, record: Callable[[Row], None]
) -> None:
    with faults.partly_processed_batch() as batch, RedisClient.from_url(faults.redis.url) as redis:
        redis.flushall()
        since = time.monotonic()
        batch.require_partly_processed()
        record(batch.require_all_completed("FLUSHALL in Redis", since))
