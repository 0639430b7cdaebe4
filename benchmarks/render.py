"""CPU of the renderer against the codec alone and against other ways: the `render` rows.

    python benchmarks/run.py render

Every way runs in a warmed-up process of its own; the parent calls them in turn, so that noise of the machine affects
all alike. CPU seconds, median of five; only ratios have targets.
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
from PIL import Image
from results import Row, at_least, at_most, reported
from scenes import make_photo

_SERVER = Path(__file__).resolve().parent.parent / "django_server"

ROUNDS = 5
_WARM_UPS = 5  # after about four, the allocator no longer asks the kernel for pages
_PHOTO_SIZE = (4000, 3000)
_GRAIN = 9  # 3.8 MB at quality 92, what a phone writes
# The way to generate the thumbnails, and the photo.
CASES = (
    ("ours", "JPEG"),
    ("limit", "JPEG"),
    ("naive", "JPEG"),
    ("vips", "JPEG"),
    ("ours", "P3"),
    ("ours", "PNG"),
    ("vips", "PNG"),
    ("ours", "WebP"),
    ("vips", "WebP"),
)
MAX_RATIO_TO_VIPS = {"JPEG": 1.05, "PNG": 1.6, "WebP": 1.6}
LABELS = {"ours": "ours", "limit": "the limit", "naive": "naive Pillow", "vips": "pyvips"}


@dataclass(frozen=True)
class Worker:
    """A process that generates the thumbnails of one photo on each request."""

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


def _photos() -> dict[str, bytes]:
    """The same picture as JPEG, as JPEG with a P3 profile, as PNG with a soft alpha channel, and as WebP."""
    sys.path.append(str(_SERVER))
    from tests.support.corpus.icc import display_p3_profile

    picture = make_photo(*_PHOTO_SIZE, seed=7, grain=_GRAIN)
    photos = {
        "JPEG": _saved(picture, "JPEG", quality=92),
        "P3": _saved(picture, "JPEG", quality=92, icc_profile=display_p3_profile()),
        "WebP": _saved(picture, "WEBP", quality=85, method=1),
    }
    picture.putalpha(Image.linear_gradient("L").resize(_PHOTO_SIZE))
    return {**photos, "PNG": _saved(picture, "PNG", compress_level=3)}


def _saved(picture: Image.Image, format_: str, **options: object) -> bytes:
    memory = io.BytesIO()
    picture.save(memory, format_, **options)
    return memory.getvalue()


def measure() -> tuple[list[Row], str]:
    """The rows, and a sentence on the conditions of the measurement."""
    photos = _photos()
    workers = {case: _start(case[0], photos[case[1]]) for case in CASES}
    times: dict[tuple[str, str], list[float]] = {case: [] for case in workers}
    for _ in range(ROUNDS):
        for case, worker in workers.items():
            times[case].append(worker.cpu_seconds())
    for worker in workers.values():
        worker.stop()
    milliseconds = {case: statistics.median(values) * 1e3 for case, values in times.items()}
    sizes = ", ".join(f"{name} {len(photo) / 1e6:.1f} MB" for name, photo in photos.items())
    return _rows(milliseconds), (
        f"A photo of {_PHOTO_SIZE[0]} x {_PHOTO_SIZE[1]} ({sizes}) to 1500, 1024 and 240 px; CPU time, median of "
        f"{ROUNDS}, interleaved. The limit: libjpeg-turbo's half-scale decode and the same encodes, no resize. "
        f"Python {platform.python_version()}, Pillow {PIL.__version__}, {platform.machine()}."
    )


def _rows(ms: dict[tuple[str, str], float]) -> list[Row]:
    ours = ms["ours", "JPEG"]
    rows = [
        at_most("render", "JPEG, against the limit", ours / ms["limit", "JPEG"], 1.6),
        at_least("render", "JPEG, faster than naive Pillow", ms["naive", "JPEG"] / ours, 3.4),
        at_most(
            "render", "JPEG with a P3 profile, against the limit", ms["ours", "P3"] / ms["limit", "JPEG"], 2
        ),
    ]
    for kind, max_ratio in MAX_RATIO_TO_VIPS.items():
        ratio = ms["ours", kind] / ms["vips", kind]
        rows.append(at_most("render", f"{kind}, against a pyvips cascade", ratio, max_ratio))
    rows += [
        reported("render", f"CPU per photo, {LABELS[subject]}, {kind}", cpu_ms, "ms")
        for (subject, kind), cpu_ms in ms.items()
    ]
    return rows
