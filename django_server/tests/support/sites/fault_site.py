"""A running site whose servers tests may kill, and the batch of 200 images that is processed during a fault.

It reads the database directly, because these tests must not rely on the site's responses.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import psycopg2
from PIL import Image as Picture

from filestore.local import LocalStore
from tests.support.live.listener import Listener, listening
from tests.support.processes.process_tree import command_line, descendants, eventually
from tests.support.servers import Postgres, Redis
from tests.support.sites.fault_table import Row
from tests.support.sites.running_site import RunningSite

IMAGES = 200
CHUNK = 16
# Short, to keep the tests short; the asserted limits are sums of these.
LEASE_SECONDS = 5
RENDER_SECONDS = 2
SWEEP_SECONDS = 1
FREE_WITHIN_SECONDS = LEASE_SECONDS + SWEEP_SECONDS + 5
SETTINGS = {
    "LEASE_SECONDS": str(LEASE_SECONDS),
    "RENDER_SECONDS": str(RENDER_SECONDS),
    "SWEEP_SECONDS": str(SWEEP_SECONDS),
    "IDEMPOTENCY_LEASE_SECONDS": "5",
    "WORKER_PROCESSES": "2",
    # Raised, so that an image that takes longer than RENDER_SECONDS is accepted.
    "MAX_JPEG_SCANS": "1000",
    "SECRET_KEY": "for tests only",
}
# The timeout of every wait for which nothing shorter is asserted.
PATIENCE_SECONDS = 90.0
_TOO_OLD_SECONDS = 2 * 3600


@dataclass(frozen=True)
class Job:
    """The current content of an image's row."""

    status: str
    version: int
    announced_version: int
    attempts: int
    claim: str | None

    @property
    def final(self) -> bool:
        return self.status in ("completed", "error", "aborted")


@dataclass(frozen=True)
class FaultSite:
    """A site on a PostgreSQL and a Redis of its own."""

    site: RunningSite
    postgres: Postgres
    redis: Redis

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The result of a query, on a new connection, because the server may have been stopped meanwhile."""
        connection = psycopg2.connect(self.postgres.url.replace("postgres:", "postgresql:", 1))
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                found: list[tuple[Any, ...]] = cursor.fetchall()
                return found
        finally:
            connection.close()

    def jobs(self, batch: str | None = None) -> dict[str, Job]:
        """All jobs of a batch, or of the site."""
        columns = "id::text, status, version, announced_version, attempts, claim::text"
        found = self.rows(
            f"SELECT {columns} FROM images_image WHERE %s::uuid IS NULL OR batch_id = %s::uuid",  # noqa: S608
            batch,
            batch,
        )
        return {id_: Job(*values) for id_, *values in found}

    @property
    def worker(self) -> int:
        """The worker's main process."""
        return self.site.process.child("celery", " worker ")

    @property
    def worker_children(self) -> list[int]:
        """The processes that render."""
        return sorted(pid for pid in descendants(self.worker) if "celery" in command_line(pid))

    @property
    def web(self) -> int:
        return self.site.process.child("uvicorn")

    def is_ready(self) -> bool:
        with self.site.client() as client:
            try:
                return client.get("/readyz").status_code == 200
            except httpx.TransportError:
                return False

    @contextmanager
    def partly_processed_batch(self) -> Iterator["BatchUnderFault"]:
        """200 accepted images of which some are final, and a listener that receives their events."""
        with listening(self.site.websocket_url) as listener, self.site.client() as client:
            started = time.monotonic()
            answer = client.post("/api/async/batch/upload", files=photos(IMAGES))
            assert answer.status_code == 202, answer.text
            batch = BatchUnderFault(self, answer.json()["batch_id"], listener)
            assert eventually(lambda: batch.final_count() >= CHUNK, PATIENCE_SECONDS)
            batch.image_seconds = (time.monotonic() - started) / batch.final_count()
            yield batch

    def spooled(self) -> list[Path]:
        return [path for path in (self.site.data_dir / "incoming").iterdir() if path.is_file()]

    def age_spool(self) -> None:
        """Make files left by killed processes old, so that the sweeper deletes them without waiting an hour."""
        for path in self.spooled():
            moment = time.time() - _TOO_OLD_SECONDS
            os.utime(path, (moment, moment))

    def stored_keys(self) -> set[str]:
        return {file.key for file in LocalStore(self.site.data_dir / "media").list()}

    def known_keys(self) -> set[str]:
        return {
            key for (key,) in self.rows("SELECT key FROM images_image UNION SELECT key FROM images_thumbnail")
        }


class BatchUnderFault:
    """The 200 images of one batch."""

    def __init__(self, faults: FaultSite, batch_id: str, listener: Listener) -> None:
        self.faults = faults
        self.batch_id = batch_id
        self.listener = listener
        # Seconds per image before the fault, including the upload.
        self.image_seconds = 0.0

    def jobs(self) -> dict[str, Job]:
        return self.faults.jobs(self.batch_id)

    def final_count(self) -> int:
        return sum(job.final for job in self.jobs().values())

    def claims(self) -> set[str]:
        """The claims in the rows now."""
        return {job.claim for job in self.jobs().values() if job.claim}

    def free_seconds(self, claims: set[str], since: float) -> float:
        """The seconds from `since` until no row has one of the claims any more."""
        assert eventually(lambda: not claims & self.claims(), PATIENCE_SECONDS)
        return time.monotonic() - since

    def require_partly_processed(self) -> int:
        """The number of images that are not final; some must be final, and some not, when the fault happens."""
        final = self.final_count()
        assert 0 < final < IMAGES
        return IMAGES - final

    def require_all_completed(self, fault: str, since: float, free_seconds: float | None = None) -> Row:
        """Wait until all images are final and announced, check rows, files and events, and return the table's row."""
        assert eventually(lambda: all(job.final for job in self.faults.jobs().values()), PATIENCE_SECONDS)
        final_seconds = time.monotonic() - since
        assert eventually(self._all_announced, PATIENCE_SECONDS)
        announced_seconds = time.monotonic() - since
        jobs = self.jobs()
        lost = IMAGES - sum(job.status == "completed" for job in jobs.values())
        assert (len(jobs), lost) == (IMAGES, 0)
        self._require_its_files()
        assert eventually(self._listener_is_current, PATIENCE_SECONDS), self._missed_events()
        repeated = sum(job.attempts > 1 for job in jobs.values())
        return Row(fault, lost, repeated, free_seconds, final_seconds, announced_seconds)

    def _all_announced(self) -> bool:
        return all(job.announced_version == job.version for job in self.faults.jobs().values())

    def _require_its_files(self) -> None:
        thumbnails = self.faults.rows(
            "SELECT count(*) FROM images_thumbnail JOIN images_image i ON i.id = image_id WHERE batch_id = %s::uuid",
            self.batch_id,
        )
        assert thumbnails == [(3 * IMAGES,)]
        self.faults.age_spool()
        assert eventually(lambda: not self.faults.spooled(), PATIENCE_SECONDS)
        assert self.faults.stored_keys() == self.faults.known_keys()

    def _listener_is_current(self) -> bool:
        return not self._missed_events()

    def _missed_events(self) -> dict[str, Any]:
        received = self.listener.newest
        return {
            id_: (job, received.get(id_))
            for id_, job in self.jobs().items()
            if received.get(id_) != (job.version, job.status)
        }


def photos(count: int) -> list[tuple[str, tuple[str, bytes]]]:
    """The files of a request, each the same photo of about a megapixel, rendered in about 40 ms."""
    return [("images", (f"{number}.jpg", _photo())) for number in range(count)]


@cache
def _photo() -> bytes:
    out = BytesIO()
    Picture.effect_noise((150, 112), 40).convert("RGB").resize((1200, 900)).save(out, "JPEG", quality=80)
    return out.getvalue()


def timed(act: Callable[[], Any]) -> tuple[Any, float]:
    """The result of `act`, and the seconds it took."""
    started = time.monotonic()
    result = act()
    return result, time.monotonic() - started
