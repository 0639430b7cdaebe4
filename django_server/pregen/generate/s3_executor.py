"""Process requests on a bucket, in one process per core. Each process renders and, in threads, transfers its images.

This is a second executor beside `local_executor`, because a GET and a PUT need as much CPU in Python as rendering a
photo. So one process can't transfer the images for several processes that render. On two cores and at 20 ms of latency,
1,500 photos of 1 megapixel took 1.6 times the time of a bare GET and PUT with this module, and 2.4 times with
`local_executor` in the same hour. See docs/adr/0006-own-process-pool.md.

A process may die because of a crash, too little memory or a render that takes too long. Then `local_executor` processes
the images of that process again and finds the image that is the cause. Called by `generator`.
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
    Outcome,
    StatResults,
    generate_image,
    render_in_this_process,
    serialised,
    stat_many,
)
from pregen.generate.render_requests import RenderRequest
from pregen.stop_signals import signals_deferred
from pregen.storage import Secrets, Storage, s3_store

LIBRARIES = (*s3_client.LIBRARIES, __name__)
"""The modules that each process needs. The fork server preloads them."""

# The number of images that are looked up together. It is small, so that the last of these images is processed seconds
# after the look-up, not minutes.
_STAT_BATCH = 256
# The number of images that a process gets beyond the number of its threads, so that no thread waits for work.
_AHEAD = 2
# After so many deaths of processes, no new process is started. After the death of all, `local_executor` processes the
# remaining images.
_MAX_DEATHS = 10


@dataclass(frozen=True)
class Bucket:
    """`storage` and `secret`: the values with which a process opens the bucket.

    `store`: the bucket, open in this process.
    """

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
    """Process all requests. `on_outcome` gets one outcome at a time.

    After an interruption, images that have been started get ten seconds to finish, and all other images are dropped.
    """
    requests_with_stats = _with_thumbnails(requests, bucket.store, skip_existing=skip_existing)
    retries: list[RenderRequest] = []
    workers = _Workers(bucket, concurrency, skip_existing=skip_existing)
    try:
        while workers.assign(requests_with_stats):
            retries += workers.collect(on_outcome)
    except BaseException:
        workers.drain(on_outcome, local_executor.FINISH_SECONDS)
        raise
    finally:
        workers.stop()
    # `requests_with_stats` has requests left only if all processes have died.
    if retries:
        remaining = chain(retries, (request for request, _ in requests_with_stats))
        local_executor.run(remaining, bucket.store, concurrency, on_outcome, skip_existing=skip_existing)


def _with_thumbnails(
    requests: Iterator[RenderRequest], store: Store, *, skip_existing: bool
) -> Iterator[tuple[RenderRequest, StatResults]]:
    """Yield each request with the metadata of its thumbnails, which are looked up for 256 requests at a time."""
    while group := list(islice(requests, _STAT_BATCH)):
        stat_results = stat_many(group, store) if skip_existing else {}
        for request in group:
            yield request, {key: stat_results[key] for key in request.targets.values() if key in stat_results}


class _Workers:
    """The processes and the requests assigned to each process."""

    def __init__(
        self, bucket: Bucket, concurrency: local_executor.Concurrency, *, skip_existing: bool
    ) -> None:
        self._transfer_threads = -(-concurrency.transfer_threads // concurrency.workers)
        self._arguments = (bucket.storage, bucket.secret, self._transfer_threads, skip_existing)
        self._context = local_executor.context()
        self._workers = [self._start_worker() for _ in range(concurrency.workers)]
        self._deaths = 0
        self._numbers = count()

    def assign(self, requests_with_stats: Iterator[tuple[RenderRequest, StatResults]]) -> bool:
        """Assign requests up to the capacity of each process. Returns whether any request is in flight."""
        for worker in self._workers:
            for request, stat_results in islice(
                requests_with_stats, max(0, self._transfer_threads + _AHEAD - len(worker.assigned))
            ):
                number = next(self._numbers)
                try:
                    with signals_deferred:  # An incomplete message would end the process.
                        worker.assigned[number] = request
                        worker.pipe.send((number, request, stat_results))
                except OSError:
                    break  # The process died, which `collect` handles.
        return self._has_work()

    def collect(self, on_outcome: Callable[[Outcome], None]) -> list[RenderRequest]:
        """Wait for outcomes and pass them to `on_outcome`. Returns the unfinished requests of processes that died."""
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
        """Pass the outcomes that arrive within `seconds` to `on_outcome`."""
        deadline = time.monotonic() + seconds
        while self._has_work() and (seconds_left := deadline - time.monotonic()) > 0:
            for worker in self._receive(on_outcome, seconds_left):
                self._end(worker)

    def stop(self) -> None:
        for worker in list(self._workers):
            self._end(worker)

    def _has_work(self) -> bool:
        return any(worker.assigned for worker in self._workers)

    def _receive(self, on_outcome: Callable[[Outcome], None], seconds: float | None) -> list[_Worker]:
        """Wait up to `seconds` (None: without limit) and pass on outcomes. Returns the workers that died."""
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
    with signals_deferred:  # A received outcome must always be recorded.
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
    """The main loop of a process: receive requests and process one in each thread."""
    exit_with_parent()
    store = s3_store(storage, secret, transfer_threads)
    render = serialised(_render_in_time)
    send_lock = threading.Lock()

    def process(number: int, request: RenderRequest, stat_results: StatResults) -> None:
        try:
            outcome = generate_image(
                request, store, render, skip_existing=skip_existing, stat_results=stat_results
            )
            with send_lock:
                pipe.send((number, outcome))
        except BaseException:
            # This is a bug, not a damaged image. `local_executor` reports it when it occurs again.
            os._exit(1)

    with ThreadPoolExecutor(transfer_threads) as threads:
        while True:
            try:
                task = pipe.recv()
            except EOFError:
                return
            threads.submit(process, *task)


def _render_in_time(*arguments: Any) -> imaging.Rendering:
    """A `Render` in this process, which is killed after RENDER_SECONDS."""
    with kill_process_after(local_executor.RENDER_SECONDS):
        return render_in_this_process(*arguments)
