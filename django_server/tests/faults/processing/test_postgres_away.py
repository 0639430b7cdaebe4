"""PostgreSQL is stopped while 200 images are processed: requests get a 503; after its start all are processed."""

import time
from collections.abc import Callable

import httpx

from tests.support.processes.process_tree import eventually
from tests.support.sites.fault_site import FaultSite, photos, timed
from tests.support.sites.fault_table import Row

REFUSED_WITHIN_SECONDS = 5.0


def test_without_postgresql_requests_get_503_and_after_its_start_all_images_are_processed(
    faults: FaultSite, record: Callable[[Row], None]
) -> None:
    with faults.partly_processed_batch() as batch, faults.site.client() as client:
        batch.require_partly_processed()
        faults.postgres.stop()
        try:
            requests: list[Callable[[], httpx.Response]] = [
                lambda: client.get("/api/list"),
                lambda: client.get(f"/api/batches/{batch.batch_id}"),
                lambda: client.post("/api/async/batch/upload", files=photos(5)),
                lambda: client.post("/api/upload", files={"image": photos(1)[0][1]}),
            ]
            for request in requests:
                answer, seconds = timed(request)
                assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
                assert seconds < REFUSED_WITHIN_SECONDS
                assert int(answer.headers["retry-after"]) > 0
                assert not any(word in answer.text for word in ("127.0.0.1", "localhost", "port", "psycopg"))
            readiness = client.get("/readyz")
            assert (readiness.status_code, readiness.json()["checks"]["database"]) == (503, "unavailable")
        finally:
            faults.postgres.start()
        since = time.monotonic()
        batch.require_partly_processed()
        record(batch.require_all_completed("PostgreSQL stopped, later started", since))
        assert eventually(faults.is_ready)
