"""The floor under a batch: the same renderer over the same files in a bare pool of processes.

No server, no database, no queue: a file is read, three are written. Used by batch.py.
"""

from __future__ import annotations

import multiprocessing
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.pool import Pool
from pathlib import Path
from types import TracebackType
from typing import Self

from sizes import QUALITY, SCALES

sys.path.append(str(Path(__file__).resolve().parent.parent / "django_server"))

from imaging import Limits
from imaging.files import render_files


@dataclass(frozen=True)
class Work:
    """What rendering all of them took: `cpu_seconds` of the pool's processes together."""

    wall_seconds: float
    cpu_seconds: float


class Floor:
    """In a `with` block: so many warmed up processes."""

    def __init__(self, processes: int, folder: Path, warm_up: Sequence[Path]) -> None:
        self._folder = folder
        self._pool: Pool = multiprocessing.get_context("spawn").Pool(processes)
        self.render([path for path in warm_up for _ in range(processes)])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.terminate()
        self._pool.join()

    def render(self, sources: Sequence[Path]) -> Work:
        """Render these files, and forget what came out."""
        jobs = [(source, self._folder / "floor" / str(number)) for number, source in enumerate(sources)]
        started = time.perf_counter()
        cpu = sum(self._pool.imap_unordered(_render, jobs, chunksize=1))
        wall = time.perf_counter() - started
        shutil.rmtree(self._folder / "floor")
        return Work(wall, cpu)


def _render(job: tuple[Path, Path]) -> float:
    """The CPU seconds it took."""
    source, target = job
    started = time.process_time()
    target.mkdir(parents=True)
    render_files(source, SCALES, {label: target / f"{label}.jpg" for label in SCALES}, QUALITY, Limits())
    return time.process_time() - started
