"""Cost of a batch beyond rendering, from the first POST to the last `completed` on the WebSocket: the `batch` rows.

    python benchmarks/run.py batch

A started site on PostgreSQL and Redis, with as many worker processes as the pool of the baseline (floor.py). Client and
site share the cores of the machine, unlike in production, so the figures include the client.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from bodies import pictures_of
from floor import Floor, Work, floor_of
from journey import journey_seconds
from load_requests import Picture, generated_pictures
from results import Row, at_least, at_most, point, reported
from rounds import rounds_of
from samples import make_samples
from scenes import make_photo
from sites import SiteOnServers, cpu_of, site_on_servers

PROCESSES = os.cpu_count() or 1
MIXED = 1000
FEW_MIXED = 200
_DIFFERENT = 24
PER_REQUEST, AT_ONCE = 50, 3  # what the page sends
SMALL_MEGAPIXELS = 0.2
GROWTH = (100, 2000)
SMALL = 400
LARGE = 30
_PHOTOS = 2
# Seconds per image with two processes; they decide the number of repetitions.
_LARGE_SECONDS, _MIXED_SECONDS, _SMALL_SECONDS = 0.1, 0.04, 0.05


@dataclass(frozen=True)
class UploadPlan:
    """How the images are uploaded."""

    endpoint: str
    images: int
    per_request: int = PER_REQUEST
    at_once: int = AT_ONCE


def measure() -> tuple[list[Row], str]:
    """The rows, and a sentence on the conditions of the measurement."""
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-batch-") as folder,
        site_on_servers({"WORKER_PROCESSES": str(PROCESSES)}) as running,
    ):
        files = make_samples(Path(folder) / "mix", _DIFFERENT, seed=1, shrunk=2)
        kilobytes = sum(file.stat().st_size for file in files) / len(files) / 1e3
        mixed, small = pictures_of(files, MIXED), generated_pictures(SMALL_MEGAPIXELS, seed=1)
        _measured_upload(running, small, UploadPlan("batch", PROCESSES * PER_REQUEST))  # warms up
        with floor_of(PROCESSES, Path(folder), files) as floor:
            rows = _against_the_floor(running, floor, files, mixed)
            rows += _large_against_the_floor(running, floor, _photos(Path(folder)))
        rows += _one_task_each(running, small) + _growth(running, small)
    return rows, (
        f"{PROCESSES} worker processes on {os.cpu_count()} cores that the client shares; a phone-like mix of JPEG, PNG "
        f"and WebP, {kilobytes:.0f} KB on average, and JPEGs of {SMALL_MEGAPIXELS} megapixels; wall time unless "
        "stated otherwise, medians, interleaved. The floor: the renderer over the same files in a pool of "
        f"{PROCESSES} bare processes. Python {platform.python_version()}, {platform.machine()}."
    )


def _measured_upload(running: SiteOnServers, pictures: Sequence[Picture], plan: UploadPlan) -> Work:
    """Wall time from POST to the last event; CPU of the site with its PostgreSQL and Redis, without the client."""
    turns = [pictures[number % len(pictures)] for number in range(plan.images)]
    before = cpu_of(running)
    seconds = journey_seconds(running.site, plan.endpoint, turns, plan.per_request, plan.at_once)
    return Work(seconds, cpu_of(running) - before)


def _against_the_floor(
    running: SiteOnServers, floor: Floor, files: Sequence[Path], mixed: Sequence[Picture]
) -> list[Row]:
    sources = [files[number % len(files)] for number in range(MIXED)]
    measured: dict[str, list[Work]] = {"floor": [], "page": [], "one": [], "few": []}
    ways = {
        "floor": partial(floor.render, sources),
        "page": partial(_measured_upload, running, mixed, UploadPlan("batch", MIXED)),
        "one": partial(_measured_upload, running, mixed, UploadPlan("batch", MIXED, per_request=MIXED)),
        "few": partial(_measured_upload, running, mixed, UploadPlan("batch", FEW_MIXED)),
    }
    for _ in range(rounds_of(MIXED * _MIXED_SECONDS)):
        for name, work in ways.items():
            measured[name].append(work())
    wall = {name: median(one.wall_seconds for one in some) for name, some in measured.items()}
    cpu = {name: median(one.cpu_seconds for one in some) for name, some in measured.items()}
    about = f"{MIXED:,} mixed images"
    requests = f"in requests of {PER_REQUEST}, {AT_ONCE} at a time"
    return [
        at_most("batch", f"{about} {requests}, against the floor", wall["page"] / wall["floor"], 1.35),
        at_most("batch", f"{about} in one request, against the floor", wall["one"] / wall["floor"], 1.6),
        at_most("batch", f"{about} {requests}, CPU against the floor's", cpu["page"] / cpu["floor"], 1.3),
        at_most("batch", f"{FEW_MIXED} mixed images {requests}", wall["few"], 9, "s", " on two idle cores"),
        reported("batch", f"{about}, the floor", wall["floor"], "s"),
        reported("batch", f"{about} {requests}", wall["page"], "s"),
        reported("batch", f"{about} in one request", wall["one"], "s"),
        reported("batch", "CPU per mixed image, the floor", cpu["floor"] / MIXED * 1e3, "ms"),
        reported("batch", f"CPU per mixed image {requests}", cpu["page"] / MIXED * 1e3, "ms"),
        reported("batch", "CPU per mixed image in one request", cpu["one"] / MIXED * 1e3, "ms"),
    ]


def _photos(folder: Path) -> list[Path]:
    paths = [folder / f"photo-{number}.jpg" for number in range(_PHOTOS)]
    for number, path in enumerate(paths):
        make_photo(4000, 3000, seed=number, grain=9).save(path, "JPEG", quality=92)
    return paths


def _large_against_the_floor(running: SiteOnServers, floor: Floor, files: Sequence[Path]) -> list[Row]:
    photos = pictures_of(files, LARGE)
    sources = [files[number % len(files)] for number in range(LARGE)]
    cpu: dict[str, list[float]] = {"floor": [], "site": []}
    for _ in range(rounds_of(LARGE * _LARGE_SECONDS)):
        cpu["floor"].append(floor.render(sources).cpu_seconds)
        cpu["site"].append(_measured_upload(running, photos, UploadPlan("batch", LARGE)).cpu_seconds)
    bare, ours = (median(some) / LARGE for some in cpu.values())
    return [
        at_most("batch", f"{LARGE} JPEGs of 12 megapixels, CPU against the floor's", ours / bare, 1.3),
        reported("batch", "CPU per JPEG of 12 megapixels, the floor", bare * 1e3, "ms"),
        reported("batch", "CPU per JPEG of 12 megapixels", ours * 1e3, "ms"),
    ]


def _one_task_each(running: SiteOnServers, small: Sequence[Picture]) -> list[Row]:
    measured: dict[str, list[Work]] = {"async": [], "batch": []}
    for _ in range(rounds_of(SMALL * _SMALL_SECONDS)):
        for endpoint, works in measured.items():
            works.append(_measured_upload(running, small, UploadPlan(endpoint, SMALL)))
    seconds = {name: median(one.wall_seconds for one in some) for name, some in measured.items()}
    about = f"{SMALL:,} images of {SMALL_MEGAPIXELS} megapixels"
    return [
        at_least("batch", f"{about}, faster than one task each", seconds["async"] / seconds["batch"], 1.3),
        reported("batch", f"{about}, one task each", seconds["async"], "s"),
        reported("batch", f"{about}, as a batch", seconds["batch"], "s"),
    ]


def _growth(running: SiteOnServers, small: Sequence[Picture]) -> list[Row]:
    measured: dict[int, list[Work]] = {images: [] for images in GROWTH}
    for _ in range(rounds_of(max(GROWTH) * _SMALL_SECONDS)):
        for images, works in measured.items():
            works.append(_measured_upload(running, small, UploadPlan("batch", images)))
    wall = {at: median(one.wall_seconds for one in some) / at * 1e3 for at, some in measured.items()}
    cpu = {at: median(one.cpu_seconds for one in some) / at * 1e3 for at, some in measured.items()}
    few, many = min(GROWTH), max(GROWTH)
    about = f"per small image, a batch of {many:,} against one of {few}"
    return [
        at_most("batch", f"wall time {about}", wall[many] / wall[few], 1.1),
        at_most("batch", f"CPU {about}", cpu[many] / cpu[few], 1.1),
        *(point("batch", "wall time per small image, batch of {}", at, wall[at], "ms") for at in GROWTH),
        *(point("batch", "CPU per small image, batch of {}", at, cpu[at], "ms") for at in GROWTH),
    ]
