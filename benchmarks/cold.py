"""A gallery of 24-megapixel photos without thumbnails, all requested at the same time: the `cold` rows.

    python benchmarks/run.py cold

80 requests at the same time, two labels of each of 40 images; a 503 is retried after its Retry-After. Memory is that of
the web process and its decoder processes, shared pages counted once, sampled every 50 ms.
"""

from __future__ import annotations

import asyncio
import platform
import sys
from pathlib import Path

from results import Row, at_most, exactly, reported
from scenes import make_photo
from sites import site

sys.path.append(str(Path(__file__).resolve().parent.parent / "django_server"))

from tests.support.stress.cold_burst import MemoryWatch, burst, cold_images

IMAGES = 40
LABELS = ("small", "large")
PHOTOS = 4  # different ones, each the original of ten images
SIZE = (6000, 4000)
SLOTS = 2  # RENDER_SLOTS of the site, so that the bound is the same on every machine
# A decoder's process: 45 MB; all coefficients of a progressive JPEG, 1.5 x 2 bytes a pixel: 72 MB; the picture at a
# quarter of its size with copies and encoder: 20 MB. Each of the 80 requests has a thread: 0.3 MB.
BOUND_MB = SLOTS * (45 + 72 + 20) + IMAGES * len(LABELS) * 0.3


def measure() -> tuple[list[Row], str]:
    """The rows, and a sentence on the conditions of the measurement."""
    with site({"RENDER_SLOTS": str(SLOTS)}) as running:
        files = [_photo(running.data_dir / f"photo-{number}.jpg", number) for number in range(PHOTOS)]
        megabytes = sum(file.stat().st_size for file in files) / PHOTOS / 1e6
        ids = cold_images(running, IMAGES, files)
        with MemoryWatch(running.process.child("uvicorn")) as memory:
            result = asyncio.run(burst(running.url, ids, LABELS))
    growth = memory.peak_mb - memory.before_mb
    rows = [
        at_most("cold", "memory above idle", growth, round(BOUND_MB), "MB"),
        exactly("cold", "errors other than 503", result.errors, 0),
        exactly("cold", "thumbnails generated", result.answers["302"], IMAGES * len(LABELS)),
        reported("cold", "idle memory", memory.before_mb, "MB"),
        reported("cold", "responses with status 503", result.answers["503"], ""),
        reported("cold", "until all thumbnails are generated", result.seconds, "s"),
    ]
    return rows, (
        f"{IMAGES} images of {SIZE[0]} x {SIZE[1]}, {megabytes:.1f} MB, half of them progressive JPEGs, "
        f"{SLOTS} slots; memory (PSS) once, wall time once. Python {platform.python_version()}, "
        f"{platform.machine()}."
    )


def _photo(path: Path, number: int) -> Path:
    make_photo(*SIZE, seed=number).save(path, "JPEG", quality=88, progressive=number % 2 == 1)
    return path
