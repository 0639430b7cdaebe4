"""Run requests on a bucket: processes, one per core, that each do whole images, with threads for the transfers.

Why a second executor beside `local_executor`: a GET and a PUT cost as much Python CPU as the pixels of a photo, and
one process can't do them for several that render. At 20 ms of latency, 1,500 photos of 1 megapixel took 1.6 x the
time of a bare get + put with this module and 2.4 x with `local_executor` (two cores, same hour). Docs:
docs/adr/0006-own-process-pool.md.

The images of a process that died are done again by `local_executor`, which finds the one at fault: a crash, too
little memory, a render without end. Called by `generator`.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, count, islice
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import imaging
from filestore import s3_client
from filestore.store import Store
from imaging.process_pool import exit_with_parent
from imaging.time_limit import kill_process_after
from pregen.console import log
from pregen.errors import PregenError
from pregen.generate import local_executor
from pregen.generate.one_image import (
    KnownThumbnails,
    Outcome,
    generate_image,
    render_in_this_process,
    serialised,
    stat_many,
)
from pregen.generate.render_requests import RenderRequest
from pregen.stop_signals import signals_deferred
from pregen.storage import Secrets, Storage, s3_store

LIBRARIES = (*s3_client.LIBRARIES, __name__)
"""The modules that each process would import by itself."""

_STAT_BATCH = 256  # images checked with one listing: the last of them starts seconds later, not minutes
_AHEAD = 2  # images queued at a process, so that it never waits for the next one
_MAX_DEATHS = 10  # after that `local_executor` does the rest


@dataclass(frozen=True)
class Bucket:
    """The bucket: the values by which a process opens it, and `store`, open in this process."""

    storage: Storage
    secret: Secrets
    store: Store


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    assigned: dict[int, RenderRequest] = field(default_factory=dict)


def run(
    requests: Iterator[RenderRequest],
    bucket: Bucket,
    concurrency: local_executor.Concurrency,
    on_outcome: Callable[[Outcome], None],
    *,
    skip_existing: bool,
) -> None:
    """Process every request. `on_outcome` gets each outcome, one at a time.

    When interrupted, images in flight get ten seconds; the others are dropped.
    """
    batch = _with_thumbnails(requests, bucket.store, skip_existing=skip_existing)
    retries: list[RenderRequest] = []
    workers = _Workers(bucket, concurrency, skip_existing=skip_existing)
    try:
        while workers.assign(batch):
            retries += workers.collect(on_outcome)
    except BaseException:
        workers.drain(on_outcome, local_executor.FINISH_SECONDS)
        raise
    finally:
        workers.stop()
    # Requests are left only if every process has died while it had some.
    if retries:
        left = chain(retries, (request for request, _ in batch))
        local_executor.run(left, bucket.store, concurrency, on_outcome, skip_existing=skip_existing)


def _with_thumbnails(
    requests: Iterator[RenderRequest], store: Store, *, skip_existing: bool
) -> Iterator[tuple[RenderRequest, KnownThumbnails]]:
    """The requests, with the metadata of their thumbnails, fetched for 256 at a time when the first one starts."""
    while some := list(islice(requests, _STAT_BATCH)):
        known = stat_many(some, store) if skip_existing else {}
        for request in some:
            yield request, {key: known[key] for key in request.targets.values() if key in known}


class _Workers:
    """The processes, and the requests assigned to each."""

    def __init__(
        self, bucket: Bucket, concurrency: local_executor.Concurrency, *, skip_existing: bool
    ) -> None:
        self._transfer_threads = -(-concurrency.transfer_threads // concurrency.workers)
        self._arguments = (bucket.storage, bucket.secret, self._transfer_threads, skip_existing)
        self._context = local_executor.context()
        self._workers = [self._start_worker() for _ in range(concurrency.workers)]
        self._deaths = 0
        self._numbers = count()

    def assign(self, batch: Iterator[tuple[RenderRequest, KnownThumbnails]]) -> bool:
        """Assign requests up to the capacity of each process. Returns whether any request is in flight."""
        for worker in self._workers:
            for request, known in islice(
                batch, max(0, self._transfer_threads + _AHEAD - len(worker.assigned))
            ):
                number = next(self._numbers)
                try:
                    with signals_deferred:  # a message cut in half would end the process
                        worker.assigned[number] = request
                        worker.pipe.send((number, request, known))
                except OSError:
                    break  # the process died: `collect` finds out too
        return self._has_work()

    def collect(self, on_outcome: Callable[[Outcome], None]) -> list[RenderRequest]:
        """Wait for outcomes and pass them to `on_outcome`. Returns the requests of processes that died."""
        retries: list[RenderRequest] = []
        for worker in self._receive(on_outcome, None):
            retries += worker.assigned.values()
            self._end(worker)
            self._deaths += 1
            log.warning("A rendering process died. Its images are processed again, one by one.")
            if self._deaths < _MAX_DEATHS:
                self._workers.append(self._start_worker())
        return retries

    def drain(self, on_outcome: Callable[[Outcome], None], seconds: float) -> None:
        """Pass on the outcomes that arrive within that time."""
        deadline = time.monotonic() + seconds
        while self._has_work() and (left := deadline - time.monotonic()) > 0:
            for worker in self._receive(on_outcome, left):
                self._end(worker)

    def stop(self) -> None:
        for worker in list(self._workers):
            self._end(worker)

    def _has_work(self) -> bool:
        return any(worker.assigned for worker in self._workers)

    def _receive(self, on_outcome: Callable[[Outcome], None], seconds: float | None) -> list[_Worker]:
        """Wait up to `seconds` for outcomes and pass them on. Returns the workers that died."""
        ready = wait([worker.pipe for worker in self._workers], seconds)
        readable = [worker for worker in self._workers if worker.pipe in ready]
        return [worker for worker in readable if not _receive_outcome(worker, on_outcome)]

    def _end(self, worker: _Worker) -> None:
        worker.pipe.close()
        worker.process.kill()
        worker.process.join()
        self._workers.remove(worker)

    def _start_worker(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, *self._arguments), daemon=True)  # type: ignore[attr-defined]
        try:
            process.start()
        except (EOFError, OSError) as failure:
            raise PregenError(
                "The rendering processes can't be started. Is there enough memory?"
            ) from failure
        finally:
            theirs.close()
        return _Worker(process, ours)


def _receive_outcome(worker: _Worker, on_outcome: Callable[[Outcome], None]) -> bool:
    """Read one outcome from the worker's pipe and pass it on. False if the worker has died."""
    with signals_deferred:  # an outcome that was received is also recorded
        try:
            number, outcome = worker.pipe.recv()
        except (EOFError, OSError):
            return False
        del worker.assigned[number]
        on_outcome(outcome)
    return True


def _serve(
    pipe: Connection, storage: Storage, secret: Secrets, transfer_threads: int, skip_existing: bool
) -> None:
    """The main loop of a process: process each request that arrives, one in each thread."""
    exit_with_parent()
    store = s3_store(storage, secret, transfer_threads)
    render = serialised(_in_time)
    send_lock = threading.Lock()

    def process(number: int, request: RenderRequest, known: KnownThumbnails) -> None:
        try:
            outcome = generate_image(request, store, render, skip_existing=skip_existing, known=known)
            with send_lock:
                pipe.send((number, outcome))
        except BaseException:
            os._exit(1)  # our bug, not the image's: `local_executor` meets it again and reports it

    with ThreadPoolExecutor(transfer_threads) as threads:
        while True:
            try:
                task = pipe.recv()
            except EOFError:
                return
            threads.submit(process, *task)


def _in_time(*arguments: Any) -> imaging.Rendering:
    """A Render that kills this process at its time limit."""
    with kill_process_after(local_executor.RENDER_SECONDS):
        return render_in_this_process(*arguments)
