"""The baseline of a batch: the same renderer on the same files in a plain process pool.

No server, no database, no queue: it reads a file and writes three. Used by batch.py.
"""

from __future__ import annotations

import multiprocessing
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.pool import Pool
from pathlib import Path

from sizes import QUALITY, SCALES

sys.path.append(str(Path(__file__).resolve().parent.parent / "django_server"))

from imaging import Limits
from imaging.render_files import render_files


@dataclass(frozen=True)
class Work:
    """Wall time of rendering all files, and the `cpu_seconds` of all pool processes together."""

    wall_seconds: float
    cpu_seconds: float


class Floor:
    """A pool of warmed-up processes, created by `floor_of`."""

    def __init__(self, pool: Pool, folder: Path) -> None:
        self._pool = pool
        self._folder = folder

    def render(self, sources: Sequence[Path]) -> Work:
        """Render the files and delete the results."""
        jobs = [(source, self._folder / "floor" / str(number)) for number, source in enumerate(sources)]
        started = time.perf_counter()
        cpu = sum(self._pool.imap_unordered(_render, jobs, chunksize=1))
        wall = time.perf_counter() - started
        shutil.rmtree(self._folder / "floor")
        return Work(wall, cpu)


@contextmanager
def floor_of(processes: int, folder: Path, warm_up: Sequence[Path]) -> Iterator[Floor]:
    """A pool, each of whose processes has rendered about as many files as `warm_up` has. Writes below `folder`."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:  # ends them
        floor = Floor(pool, folder)
        floor.render([path for path in warm_up for _ in range(processes)])
        yield floor


def _render(job: tuple[Path, Path]) -> float:
    """Returns the CPU seconds."""
    source, target = job
    started = time.process_time()
    target.mkdir(parents=True)
    render_files(source, SCALES, {label: target / f"{label}.jpg" for label in SCALES}, QUALITY, Limits())
    return time.process_time() - started
