"""Latency of other requests while a site handles uploads, long lists or missing thumbnails: the `neighbours` rows.

    python benchmarks/run.py neighbours

One uvicorn process, the workers and the load generator (load.py) run on the same cores, as separate processes. Each
round measures the idle site first, then during each load.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from list_rows import Thumbnails, fill
from load_report import nearest_rank
from probing import answer_seconds
from results import Row, at_most, reported
from rounds import rounds_of
from scenes import make_photo
from sites import site
from sizes import SCALES

sys.path.append(str(Path(__file__).resolve().parent.parent / "django_server"))

from tests.support.sites.running_site import RunningSite
from tests.support.stress.cold_burst import burst, cold_images

PATHS = ("/api/list", "/healthz")
AT_ONCE = 8
SECONDS = 8
LISTED = 20_000
PAGE = 1000
PER_UPLOAD = 25
COLD_IMAGES = 40
COLD_LABELS = ("small", "large")
_PHOTOS = 2
_MAX_COUNT = 100_000  # requests and images of a load that its seconds end
_BEGIN_SECONDS = 1.5  # until a load's process has begun
IDLE = "idle"

Load = AbstractContextManager[Callable[[], bool]]
"""A context manager that runs the load in its block and yields a function: whether the load is still running."""


def measure() -> tuple[list[Row], str]:
    """The rows, and a sentence on the conditions of the measurement."""
    from imaging import RECIPE

    found: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="benchmark-neighbours-") as folder, site() as running:
        photos = [_photo(Path(folder) / f"photo-{number}.jpg", number) for number in range(_PHOTOS)]
        megabytes = sum(photo.stat().st_size for photo in photos) / _PHOTOS / 1e6
        fill(running.environment["DATABASE_URL"], LISTED, Thumbnails(SCALES, RECIPE))
        answer_seconds(running.url, PATHS, _for_a_while())  # warms up
        for _ in range(rounds_of(4 * SECONDS)):
            for name, load in _loads(running, photos).items():
                with load as keep_going:
                    for path, seconds in answer_seconds(running.url, PATHS, keep_going).items():
                        found.setdefault((path, name), []).extend(seconds)
    return _rows(found), (
        f"One uvicorn process, its workers, the load and the measuring client on {os.cpu_count()} cores. Uploads: "
        f"{AT_ONCE} requests of {PER_UPLOAD} JPEGs of {megabytes:.1f} MB at a time, for {SECONDS} s; lists: {AT_ONCE} "
        f"pages of {PAGE:,} at a time, for {SECONDS} s; cold: {COLD_IMAGES} images of 12 megapixels, "
        f"{len(COLD_LABELS)} labels each, all at once. All requests of a process share one interpreter, and all "
        f"processes the cores. Percentiles of all answers ({min(map(len, found.values()))} at least) of interleaved "
        f"rounds. Python {platform.python_version()}, {platform.machine()}."
    )


def _photo(path: Path, number: int) -> Path:
    make_photo(4000, 3000, seed=number, grain=9).save(path, "JPEG", quality=92)
    return path


def _loads(running: RunningSite, photos: Sequence[Path]) -> dict[str, Load]:
    lists = ("lists", "--page", str(PAGE), "--count", str(_MAX_COUNT))
    return {
        IDLE: nullcontext(_for_a_while()),
        f"{AT_ONCE} batch uploads": _uploads(running, photos[0].parent),
        f"{AT_ONCE} long lists": _load_tool(running, *lists),
        "a cold gallery": _cold_gallery(running, photos),
    }


def _for_a_while() -> Callable[[], bool]:
    """Whether less than the given seconds have passed since the first call."""
    started: list[float] = []

    def keep_going() -> bool:
        started.append(time.monotonic())
        return started[-1] - started[0] < SECONDS

    return keep_going


@contextmanager
def _load_tool(running: RunningSite, *words: str) -> Iterator[Callable[[], bool]]:
    command = [sys.executable, str(Path(__file__).with_name("load.py")), running.url, *words, "--json"]
    command += ["--concurrency", str(AT_ONCE), "--seconds", str(SECONDS), "--max-error-rate", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        time.sleep(_BEGIN_SECONDS)
        yield lambda: process.poll() is None
    finally:
        process.kill()
        if process.wait() > 0:
            raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}.")


@contextmanager
def _uploads(running: RunningSite, folder: Path) -> Iterator[Callable[[], bool]]:
    words = ("uploads", "--folder", str(folder), "--count", str(_MAX_COUNT), "--per-request", str(PER_UPLOAD))
    with _load_tool(running, *words) as keep_going:
        yield keep_going
    # Images that are still pending must not affect the next load.
    with running.client() as client:
        for batch in client.get("/api/batches", params={"limit": 1000}).json():
            if batch["total"] and not batch["final"]:
                client.delete(f"/api/batches/{batch['id']}").raise_for_status()


@contextmanager
def _cold_gallery(running: RunningSite, photos: Sequence[Path]) -> Iterator[Callable[[], bool]]:
    ids = cold_images(running, COLD_IMAGES, photos)
    process = multiprocessing.get_context("spawn").Process(target=_request_all, args=(running.url, ids))
    process.start()
    try:
        time.sleep(_BEGIN_SECONDS)
        yield process.is_alive
    finally:
        process.kill()
        process.join()


def _request_all(url: str, ids: Sequence[str]) -> None:
    asyncio.run(burst(url, ids, COLD_LABELS))


def _rows(found: Mapping[tuple[str, str], Sequence[float]]) -> list[Row]:
    p95 = {key: nearest_rank(sorted(seconds), 95) for key, seconds in found.items()}
    rows = [
        at_most("neighbours", f"p95 of {path} beside {name}, against idle", seconds / p95[path, IDLE], 3)
        for (path, name), seconds in p95.items()
        if name != IDLE
    ]
    return rows + [
        reported("neighbours", f"p95 of {path}, {name}", seconds * 1e3, "ms")
        for (path, name), seconds in p95.items()
    ]
