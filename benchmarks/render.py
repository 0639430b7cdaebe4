"""How close the renderer is to what the codec alone costs: the `render` rows.

    python benchmarks/run.py render

Every way runs in a process of its own, which is warmed up first; the parent asks them in turn, so that a noisy
machine is noisy for all. CPU seconds, median of five; only ratios are judged.
"""

from __future__ import annotations

import io
import multiprocessing
import platform
import statistics
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import PIL
from results import Row
from scenes import make_photo

_SERVER = Path(__file__).resolve().parent.parent / "django_server"

ROUNDS = 5
_WARM_UPS = 5  # after about four, the allocator no longer asks the kernel for pages
_PHOTO_SIZE = (4000, 3000)
_GRAIN = 9  # 3.8 MB at quality 92, what a phone writes


@dataclass(frozen=True)
class Worker:
    """A process that makes the thumbnails of one photo whenever it is asked."""

    process: multiprocessing.process.BaseProcess
    pipe: Connection

    def cpu_seconds(self) -> float:
        self.pipe.send("again")
        answer: float = self.pipe.recv()
        return answer

    def stop(self) -> None:
        self.pipe.send("stop")
        self.process.join()


def serve(pipe: Connection, subject: str, photo: bytes) -> None:
    """The loop of a worker."""
    from subjects import SUBJECTS

    run = SUBJECTS[subject](photo)
    for _ in range(_WARM_UPS):
        run()
    while pipe.recv() == "again":
        started = time.process_time()
        run()
        pipe.send(time.process_time() - started)


def _start(subject: str, photo: bytes) -> Worker:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there, subject, photo), daemon=True)
    process.start()
    return Worker(process, here)


def _photo(**options: bytes) -> bytes:
    memory = io.BytesIO()
    make_photo(*_PHOTO_SIZE, seed=7, grain=_GRAIN).save(memory, "JPEG", quality=92, **options)
    return memory.getvalue()


def measure() -> tuple[list[Row], str]:
    """The rows, and a sentence on what they were measured with."""
    sys.path.append(str(_SERVER))
    from tests.corpus.icc import display_p3_profile

    plain, wide = _photo(), _photo(icc_profile=display_p3_profile())
    workers = {
        "ours": _start("ours", plain),
        "limit": _start("limit", plain),
        "naive": _start("naive", plain),
        "p3": _start("ours", wide),
    }
    times: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(ROUNDS):
        for name, worker in workers.items():
            times[name].append(worker.cpu_seconds())
    for worker in workers.values():
        worker.stop()
    milliseconds = {name: statistics.median(values) * 1e3 for name, values in times.items()}
    return _rows(milliseconds), (
        f"A photo of {_PHOTO_SIZE[0]} x {_PHOTO_SIZE[1]}, {len(plain) / 1e6:.1f} MB, to 1500, 1024 and 240 px; "
        f"CPU time, median of {ROUNDS}, interleaved. Python {platform.python_version()}, Pillow {PIL.__version__}, "
        f"{platform.machine()}."
    )


def _rows(milliseconds: dict[str, float]) -> list[Row]:
    ratio = milliseconds["ours"] / milliseconds["limit"]
    faster = milliseconds["naive"] / milliseconds["ours"]
    wide = milliseconds["p3"] / milliseconds["limit"]
    rows = [
        Row(
            "render",
            "against half-scale decode + the same encodes",
            round(ratio, 2),
            "x",
            "<= 1.6 x",
            ratio <= 1.6,
        ),
        Row("render", "faster than naive Pillow", round(faster, 2), "x", ">= 3.4 x", faster >= 3.4),
        Row("render", "with a P3 profile, against the limit", round(wide, 2), "x", "<= 2.0 x", wide <= 2.0),
    ]
    names = {"ours": "ours", "p3": "ours, P3", "limit": "the limit", "naive": "naive Pillow"}
    rows += [
        Row("render", f"CPU per photo, {said}", round(milliseconds[name], 1), "ms", "for orientation", None)
        for name, said in names.items()
    ]
    return rows
