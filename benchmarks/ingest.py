"""CPU and memory of the web process for receiving uploads, against Django alone: the `ingest` rows.

    python benchmarks/run.py ingest

Only the web process is measured. Workers run beside it as usual; the files are small images with random bytes after
their end, so that the workers have little to do.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from uuid import uuid4

import httpx
from bodies import upload_of
from cpu import cpu_seconds
from instances import instance
from load_requests import Picture, generated_pictures
from results import Row, at_most, reported
from rounds import rounds_of
from sites import site

sys.path.append(str(Path(__file__).resolve().parent.parent / "django_server"))

from tests.support.processes.memory import reset_peak, resident_mb
from tests.support.sites.running_site import RunningSite

MAX_GROWTH_MB = 60
_ANSWER_SECONDS = 120.0
_ROUND_SECONDS = 40.0


@dataclass(frozen=True)
class Shape:
    """Number of requests and of files in each; `at_once` requests run at the same time."""

    what: str
    requests: int
    files: int
    file_bytes: int
    at_once: int

    @property
    def megabytes(self) -> float:
        return self.requests * self.files * self.file_bytes / 1e6


SHAPES = (
    Shape("4 MB files, 8 at a time", 48, 1, 4_000_000, 8),
    Shape("500 MB in one request of ten files", 1, 10, 50_000_000, 1),
    Shape("1,000 files of 0.49 MB in one request", 1, 1000, 489_000, 1),
)


@dataclass(frozen=True)
class Subject:
    """A web process that takes uploads at `endpoint`."""

    url: str
    endpoint: str
    pid: int


@dataclass(frozen=True)
class Cost:
    cpu_seconds: float
    growth_mb: float


def measure() -> tuple[list[Row], str]:
    """The rows, and a sentence on the conditions of the measurement."""
    random_bytes = random.Random(1).randbytes(max(shape.file_bytes for shape in SHAPES))
    (small, *_) = generated_pictures(0.003, seed=1)
    with site() as running, _bare(running) as bare:
        web = running.process.child("uvicorn")
        subjects = {
            "bare": bare,
            "async": Subject(running.url, "async", web),
            "batch": Subject(running.url, "batch", web),
        }
        costs: dict[tuple[Shape, str], list[Cost]] = {}
        for number in range(rounds_of(_ROUND_SECONDS) + 1):
            for shape in SHAPES:
                content = small.content + random_bytes[: shape.file_bytes - len(small.content)]
                for name, subject in subjects.items():
                    if number or shape == SHAPES[0]:  # the first round only warms up
                        cost = asyncio.run(_cost_of(subject, shape, content))
                        costs.setdefault((shape, name), []).extend([cost] if number else [])
    rows = [*_rows(costs), reported("ingest", "SHA-256 alone, CPU per MB", _hash_ms(random_bytes), "ms")]
    return rows, (
        "CPU and memory of the one uvicorn process alone. bare: the same uvicorn with Django's own handler of uploads "
        "into temporary files, which it does not hash (SHA-256), sync to the disk, record or queue. Medians of "
        f"{len(costs[SHAPES[0], 'bare'])}, interleaved; memory at most. "
        f"Python {platform.python_version()}, {platform.machine()}."
    )


def _hash_ms(content: bytes) -> float:
    """CPU of work that only the site does and that grows with the bytes, in milliseconds per MB."""
    started = time.process_time()
    hashlib.sha256(content)
    return (time.process_time() - started) / len(content) * 1e9


@contextmanager
def _bare(running: RunningSite) -> Iterator[Subject]:
    arguments = (
        *(
            "bare_upload:application",
            "--app-dir",
            str(Path(__file__).resolve().parent),
            "--host",
            "127.0.0.1",
        ),
        *("--no-access-log", "--no-server-header", "--log-level", "warning", "--lifespan", "off"),
    )
    with tempfile.TemporaryDirectory(dir=running.data_dir) as folder:
        environment = {**os.environ, "UPLOAD_FOLDER": folder}
        with instance("bare", "uvicorn", arguments, environment, running.data_dir) as server:
            yield Subject(f"http://{server.address}", "/upload", server.pid)


async def _cost_of(subject: Subject, shape: Shape, content: bytes) -> Cost:
    batch = str(uuid4())
    pictures = [Picture(f"{number:04}.jpg", content) for number in range(shape.files)]
    async with httpx.AsyncClient(base_url=subject.url, timeout=_ANSWER_SECONDS, trust_env=False) as client:
        left = iter(range(shape.requests))

        async def one_after_another() -> None:
            for _ in left:
                answer = await client.send(upload_of(client, subject.endpoint, pictures, batch))
                if answer.status_code != 202:
                    raise RuntimeError(f"{subject.endpoint}: {answer.status_code} {answer.text[:300]}")

        before_mb = resident_mb(subject.pid, "VmRSS")
        reset_peak(subject.pid)
        before = cpu_seconds(subject.pid)
        await asyncio.gather(*(one_after_another() for _ in range(shape.at_once)))
        cost = Cost(cpu_seconds(subject.pid) - before, resident_mb(subject.pid, "VmHWM") - before_mb)
        if subject.endpoint in ("async", "batch"):
            (await client.delete(f"/api/batches/{batch}")).raise_for_status()
    return cost


def _rows(costs: dict[tuple[Shape, str], list[Cost]]) -> list[Row]:
    rows, orientation = [], []
    for shape in SHAPES:
        cpu = {
            name: median(one.cpu_seconds for one in costs[shape, name]) / shape.megabytes * 1e3
            for name in ("bare", "async", "batch")
        }
        growth = {name: max(_growths(costs[shape, name])) for name in cpu}
        orientation.append(reported("ingest", f"bare, {shape.what}, CPU per MB", cpu["bare"], "ms"))
        orientation.append(reported("ingest", f"bare, {shape.what}, memory grows by", growth["bare"], "MB"))
        for endpoint in ("async", "batch"):
            about = f"{endpoint}, {shape.what}"
            rows.append(
                at_most("ingest", f"{about}, CPU per MB against bare", cpu[endpoint] / cpu["bare"], 1.3)
            )
            rows.append(at_most("ingest", f"{about}, memory grows by", growth[endpoint], MAX_GROWTH_MB, "MB"))
            orientation.append(reported("ingest", f"{about}, CPU per MB", cpu[endpoint], "ms"))
    return rows + orientation


def _growths(costs: Sequence[Cost]) -> Iterator[float]:
    return (one.growth_mb for one in costs)
