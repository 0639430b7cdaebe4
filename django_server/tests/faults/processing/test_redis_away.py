"""Redis gone, frozen or emptied in the middle of two hundred images: uploads go on, and all is done when it is back."""

import statistics
import time
from collections.abc import Callable

import httpx
import pytest
from redis import Redis as RedisClient

from tests.support.processes.process_tree import eventually
from tests.support.sites.fault_site import FaultSite, photos, timed
from tests.support.sites.fault_table import Row

# The promise to whoever uploads while Redis is away.
ACCEPTED_WITHIN_SECONDS = 1.0


def list_seconds(client: httpx.Client) -> float:
    """What a list usually takes: the median of nine."""
    taken = []
    for _ in range(9):
        answer, seconds = timed(lambda: client.get("/api/list"))
        assert answer.status_code == 200
        taken.append(seconds)
    return statistics.median(taken)


def must_not_count_rounds_without_a_queue(faults: FaultSite) -> None:
    """The sweeper tries in vain each round: days of that would count past what the column holds."""
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
def test_without_redis_uploads_and_lists_go_on_and_readyz_names_the_broker(
    faults: FaultSite, record: Callable[[Row], None], away: str, back: str, fault: str
) -> None:
    with faults.site.client() as client:
        usual_seconds = list_seconds(client)
        with faults.batch_in_the_middle() as batch:
            getattr(faults.redis, away)()
            try:
                batch.must_be_in_the_middle()
                for _ in range(3):
                    answer, seconds = timed(lambda: client.post("/api/async/batch/upload", files=photos(5)))
                    assert (answer.status_code, len(answer.json()["jobs"])) == (202, 5)
                    assert seconds < ACCEPTED_WITHIN_SECONDS
                assert list_seconds(client) < 5 * usual_seconds + 0.1
                readiness = client.get("/readyz")
                assert readiness.status_code == 503
                assert readiness.json()["checks"]["broker"] == "unavailable"
                assert readiness.json()["checks"]["database"] == "ok"
                must_not_count_rounds_without_a_queue(faults)
            finally:
                getattr(faults.redis, back)()
            since = time.monotonic()
            record(batch.ends_well(fault, since))
        assert eventually(faults.is_ready)


def test_a_redis_killed_and_empty_again_at_once_is_only_a_pause(
    faults: FaultSite, record: Callable[[Row], None]
) -> None:
    with faults.batch_in_the_middle() as batch:
        faults.redis.kill()
        batch.must_be_in_the_middle()
        faults.redis.start()
        record(batch.ends_well("kill -9 of Redis, started empty", time.monotonic()))


def test_a_redis_emptied_under_way_is_only_a_pause(faults: FaultSite, record: Callable[[Row], None]) -> None:
    with faults.batch_in_the_middle() as batch, RedisClient.from_url(faults.redis.url) as redis:
        redis.flushall()
        since = time.monotonic()
        batch.must_be_in_the_middle()
        record(batch.ends_well("FLUSHALL in Redis", since))
