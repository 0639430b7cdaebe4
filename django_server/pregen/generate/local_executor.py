"""Process requests on this machine. Threads read, stat and write files, and a pool of processes renders.

Rendering does not wait for the disk. A render that hangs or crashes affects one image only: the pool kills and replaces
its process. Called by `generator` for folders and throttled runs, and by `s3_executor` for the images of a process that
died.
"""

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import BinaryIO

import imaging
from filestore.store import Store
from imaging.process_pool import PoolStopped, ProcessDied, ProcessPool, ProcessTimedOut
from imaging.render_files import render_files
from pregen.errors import PregenError
from pregen.generate.one_image import (
    LIMITS,
    QUALITY,
    Outcome,
    Render,
    RenderFailed,
    generate_image,
    render_in_this_process,
)
from pregen.generate.render_requests import RenderRequest

RENDER_SECONDS = 300.0  # A scanned page of 600 megapixels takes 10 to 19 s of a core.
FINISH_SECONDS = 10.0  # The time to finish images that have been started, after an interruption.
_OPEN_FILES = Path("/proc/self/fd")


@dataclass(frozen=True)
class Concurrency:
    """`workers`: rendering processes. `transfer_threads`: threads that read and write, one image each."""

    workers: int
    transfer_threads: int


def concurrency_for(*, remote: bool, workers: int, one_by_one: bool) -> Concurrency:
    """Two images per worker process hide the latency of a disk, and sixteen hide that of a network.

    With `one_by_one`, each worker process has one image.
    """
    if one_by_one:
        return Concurrency(workers, workers)
    return Concurrency(workers, max(32, 16 * workers) if remote else 2 * workers)


def context() -> BaseContext:
    """The multiprocessing context: a fork server on Linux, `spawn` elsewhere."""
    return multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")


def start_forkserver(*libraries: str) -> None:
    """Start the fork server. It imports the renderer and `libraries` while this process continues."""
    if sys.platform == "linux":
        multiprocessing.set_forkserver_preload(
            ["pregen.generate.one_image", "imaging.render_files", *libraries]
        )
        forkserver.ensure_running()


@contextmanager
def rendering_pool(workers: int) -> Iterator[Render]:
    """Yields a `Render` that uses a pool of `workers` processes, which is stopped at the end. Raises PregenError."""
    if not _OPEN_FILES.is_dir():
        # Without /proc, another process can't open a nameless file by a path.
        yield render_in_this_process
        return
    start_forkserver()
    processes = ProcessPool(workers, context())
    try:
        # Start the processes before the first image. Otherwise the first images would wait for their processes and then
        # follow each other faster than the cadence.
        try:
            processes.start()
        except ProcessDied as failure:
            raise PregenError(
                "The rendering processes can't be started. Is there enough memory?"
            ) from failure
        yield _renderer(processes)
    finally:
        processes.stop()


def _renderer(processes: ProcessPool) -> Render:
    def render(
        source: BinaryIO,
        scales: Mapping[str, int],
        files: Mapping[str, BinaryIO],
        output_format: imaging.OutputFormat,
    ) -> imaging.Rendering:
        targets = {label: _proc_path(file) for label, file in files.items()}
        try:
            return processes.run(
                RENDER_SECONDS,
                render_files,
                _proc_path(source),
                dict(scales),
                targets,
                QUALITY,
                LIMITS,
                output_format,
            )
        except ProcessTimedOut as failure:
            cause = f"It took longer than {RENDER_SECONDS:.0f} seconds to decode."
            raise RenderFailed("too_slow", cause) from failure
        except PoolStopped as failure:
            raise RenderFailed("stopped", "The run was stopped before this image was finished.") from failure
        except ProcessDied as failure:
            cause = "The decoder crashed or was killed on this image. Is there enough memory?"
            raise RenderFailed("decoder_died", cause) from failure

    return render


def _proc_path(file: BinaryIO) -> Path:
    """A path by which another process of this user can open the file, even if the file is nameless."""
    return Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")


def run(
    requests: Iterator[RenderRequest],
    store: Store,
    concurrency: Concurrency,
    on_outcome: Callable[[Outcome], None],
    *,
    skip_existing: bool,
) -> None:
    """Process every request. `on_outcome` gets each outcome, one at a time, in the thread that processed it.

    Holds one request per thread in memory. After an interruption, images that have been started get ten seconds to
    finish, and all other images are dropped.
    """
    outcome_lock = threading.Lock()
    idle_threads = threading.BoundedSemaphore(concurrency.transfer_threads)
    unexpected_failures: list[BaseException] = []

    def process(request: RenderRequest, render: Render) -> None:
        try:
            outcome = generate_image(request, store, render, skip_existing=skip_existing, stat_results={})
            if outcome.failure is None or outcome.failure.code != "stopped":
                with outcome_lock:
                    on_outcome(outcome)
        except BaseException as failure:  # A bug, or the journal can't be written. Both end the run.
            unexpected_failures.append(failure)
        finally:
            idle_threads.release()

    with rendering_pool(concurrency.workers) as render:
        threads = ThreadPoolExecutor(concurrency.transfer_threads, thread_name_prefix="pregen")
        try:
            while not unexpected_failures:
                idle_threads.acquire()
                try:
                    request = next(requests, None)
                except BaseException:
                    idle_threads.release()
                    raise
                if request is None:
                    idle_threads.release()
                    break
                threads.submit(process, request, render)
            threads.shutdown(wait=True)
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            _wait_for_threads(idle_threads, concurrency.transfer_threads)
            raise
    if unexpected_failures:
        raise unexpected_failures[0]


def _wait_for_threads(idle_threads: threading.BoundedSemaphore, transfer_threads: int) -> None:
    """Wait until all threads are idle, for ten seconds at most."""
    deadline = time.monotonic() + FINISH_SECONDS
    for _ in range(transfer_threads):
        # Requests that were cancelled before their start do not release the semaphore. In this case the wait ends at
        # the deadline.
        if not idle_threads.acquire(timeout=max(0.0, deadline - time.monotonic())):
            return
