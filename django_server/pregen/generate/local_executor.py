"""Work done on this machine: threads fetch, look and put; processes, one for each core, do the pixels.

So the pixels never wait for the disk or the network. A render that hangs or crashes costs one image: its process is
killed and replaced. Used by generate, and by `remote` for what may have killed a process of its own.
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

RENDER_SECONDS = 300.0  # a scan of 600 megapixels takes 10 to 19 s of a core
FINISH_SECONDS = 10.0  # what is in flight when a run is stopped may take so long
_OPEN_FILES = Path("/proc/self/fd")


@dataclass(frozen=True)
class Concurrency:
    """`workers`: processes that render. `hands`: threads that fetch and put, each with one image in flight."""

    workers: int
    transfer_threads: int


def concurrency_for(*, remote: bool, workers: int, one_by_one: bool) -> Concurrency:
    """Two images for each worker hide a disk; sixteen a network's latency. Throttled, each start is a real one."""
    if one_by_one:
        return Concurrency(workers, workers)
    return Concurrency(workers, max(32, 16 * workers) if remote else 2 * workers)


def context() -> BaseContext:
    """How processes are made here."""
    return multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")


def start_forkserver(*libraries: str) -> None:
    """Start what processes are forked from: it loads what they need, and `libraries`, while others do other things."""
    if sys.platform == "linux":
        multiprocessing.set_forkserver_preload(
            ["pregen.generate.one_image", "imaging.render_files", *libraries]
        )
        forkserver.ensure_running()


@contextmanager
def rendering_pool(workers: int) -> Iterator[Render]:
    """A Render that works in one of `workers` processes, which are stopped in the end. Raises PregenError."""
    if not _OPEN_FILES.is_dir():
        # Without it an open file can't be named to another process.
        yield render_in_this_process
        return
    start_forkserver()
    processes = ProcessPool(workers, context())
    try:
        # Before the first image: its start would be far from its end, and the second one's near.
        try:
            processes.start()
        except ProcessDied as failure:
            raise PregenError(
                "The processes that decode can't be started: is there too little memory?"
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
        targets = {label: _name_of(file) for label, file in files.items()}
        try:
            return processes.run(
                RENDER_SECONDS,
                render_files,
                _name_of(source),
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
            raise RenderFailed("stopped", "The run was stopped before it was done.") from failure
        except ProcessDied as failure:
            cause = "The decoder crashed, or was killed, on this image. Was there enough memory?"
            raise RenderFailed("decoder_died", cause) from failure

    return render


def _name_of(file: BinaryIO) -> Path:
    """The open file as another process of this user can open it, though it may have no name."""
    return Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")


def run(
    requests: Iterator[RenderRequest],
    store: Store,
    concurrency: Concurrency,
    finish: Callable[[Outcome], None],
    *,
    skip_existing: bool,
) -> None:
    """Do every job; `finish` is told of each outcome, one at a time, by whichever thread did it.

    Holds as many jobs as there are hands. Interrupted, it gives what is in flight ten seconds, and drops the rest.
    """
    telling = threading.Lock()
    free = threading.BoundedSemaphore(concurrency.transfer_threads)
    unexpected: list[BaseException] = []

    def do(request: RenderRequest, render: Render) -> None:
        try:
            outcome = generate_image(request, store, render, skip_existing=skip_existing, known={})
            if outcome.failure is None or outcome.failure.code != "stopped":
                with telling:
                    finish(outcome)
        except BaseException as failure:  # ours, or the journal's: the run ends with it
            unexpected.append(failure)
        finally:
            free.release()

    with rendering_pool(concurrency.workers) as render:
        threads = ThreadPoolExecutor(concurrency.transfer_threads, thread_name_prefix="pregen")
        try:
            while not unexpected:
                free.acquire()
                try:
                    request = next(requests, None)
                except BaseException:
                    free.release()
                    raise
                if request is None:
                    free.release()
                    break
                threads.submit(do, request, render)
            threads.shutdown(wait=True)
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            _wait_for_threads(free, concurrency.transfer_threads)
            raise
    if unexpected:
        raise unexpected[0]


def _wait_for_threads(free: threading.BoundedSemaphore, transfer_threads: int) -> None:
    deadline = time.monotonic() + FINISH_SECONDS
    for _ in range(transfer_threads):
        # Jobs that never began don't give their hand back: they are waited for in vain, shortly.
        if not free.acquire(timeout=max(0.0, deadline - time.monotonic())):
            return
