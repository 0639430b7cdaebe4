"""Work on a bucket: processes, one for each core, that do whole images, with threads for their transfers.

To fetch and put takes as much Python as the pixels take of a photo, and one process can't do it for several that
render. What a process had in hand when it died is done again by `here`, which finds out whose fault it was: a crash,
too little memory, a render without an end. Used by generate.
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
from filestore import s3
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

LIBRARIES = (*s3.LIBRARIES, __name__)
"""What each process would load by itself."""

_GLANCE = 256  # seconds, not minutes, lie between the look and the last of them
_AHEAD = 2  # images that wait at a process, so that it need not wait for one
_MAX_DEATHS = 10  # then all the rest is done by `here`


@dataclass(frozen=True)
class Bucket:
    """What processes open it by, and the `store` that it is here."""

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
    finish: Callable[[Outcome], None],
    *,
    skip_existing: bool,
) -> None:
    """Do every job; `finish` is told of each outcome, one at a time.

    Interrupted, it gives what is in flight ten seconds, and drops the rest.
    """
    seen = _seen(requests, bucket.store, skip_existing=skip_existing)
    retries: list[RenderRequest] = []
    workers = _Workers(bucket, concurrency, skip_existing=skip_existing)
    try:
        while workers.assign(seen):
            retries += workers.collect(finish)
    except BaseException:
        workers.drain(finish, local_executor.FINISH_SECONDS)
        raise
    finally:
        workers.stop()
    # Jobs are left only where every process has died, the last one with some in hand.
    if retries:
        left = chain(retries, (request for request, _ in seen))
        local_executor.run(left, bucket.store, concurrency, finish, skip_existing=skip_existing)


def _seen(
    requests: Iterator[RenderRequest], store: Store, *, skip_existing: bool
) -> Iterator[tuple[RenderRequest, KnownThumbnails]]:
    """The jobs, each with what is known of its thumbnails: looked up for many, when the first of them begins."""
    while some := list(islice(requests, _GLANCE)):
        known = stat_many(some, store) if skip_existing else {}
        for request in some:
            yield request, {key: known[key] for key in request.targets.values() if key in known}


class _Workers:
    """The processes, and what each has in hand."""

    def __init__(
        self, bucket: Bucket, concurrency: local_executor.Concurrency, *, skip_existing: bool
    ) -> None:
        self._transfer_threads = -(-concurrency.transfer_threads // concurrency.workers)
        self._arguments = (bucket.storage, bucket.secret, self._transfer_threads, skip_existing)
        self._context = local_executor.context()
        self._workers = [self._start_worker() for _ in range(concurrency.workers)]
        self._deaths = 0
        self._numbers = count()

    def assign(self, seen: Iterator[tuple[RenderRequest, KnownThumbnails]]) -> bool:
        """Give out as much as there are hands for. Whether anything is in hand then."""
        for worker in self._workers:
            for request, known in islice(
                seen, max(0, self._transfer_threads + _AHEAD - len(worker.assigned))
            ):
                number = next(self._numbers)
                try:
                    with signals_deferred:  # half a message would end the process
                        worker.assigned[number] = request
                        worker.pipe.send((number, request, known))
                except OSError:
                    break  # it died: `hear` learns of it too
        return self._has_work()

    def collect(self, finish: Callable[[Outcome], None]) -> list[RenderRequest]:
        """Wait for outcomes, and tell of them. What has to be done again, for who had it has died."""
        retries: list[RenderRequest] = []
        for worker in self._receive(finish, None):
            retries += worker.assigned.values()
            self._end(worker)
            self._deaths += 1
            log.warning(
                "A process that makes thumbnails died. What it had in hand is done again, one by one."
            )
            if self._deaths < _MAX_DEATHS:
                self._workers.append(self._start_worker())
        return retries

    def drain(self, finish: Callable[[Outcome], None], seconds: float) -> None:
        """Tell of what is in hand, as far as it is done in so many seconds."""
        deadline = time.monotonic() + seconds
        while self._has_work() and (left := deadline - time.monotonic()) > 0:
            for worker in self._receive(finish, left):
                self._end(worker)

    def stop(self) -> None:
        for worker in list(self._workers):
            self._end(worker)

    def _has_work(self) -> bool:
        return any(worker.assigned for worker in self._workers)

    def _receive(self, finish: Callable[[Outcome], None], seconds: float | None) -> list[_Worker]:
        """Wait for outcomes, or so long, and tell of them. Returns who has died."""
        heard = wait([worker.pipe for worker in self._workers], seconds)
        speaking = [worker for worker in self._workers if worker.pipe in heard]
        return [worker for worker in speaking if not _receive_outcome(worker, finish)]

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
                "The processes that make thumbnails can't be started: is there too little memory?"
            ) from failure
        finally:
            theirs.close()
        return _Worker(process, ours)


def _receive_outcome(worker: _Worker, finish: Callable[[Outcome], None]) -> bool:
    """Tell of the outcome that waits in its pipe. False: its end waits there, it has died."""
    with signals_deferred:  # what was heard is told
        try:
            number, outcome = worker.pipe.recv()
        except (EOFError, OSError):
            return False
        del worker.assigned[number]
        finish(outcome)
    return True


def _serve(
    pipe: Connection, storage: Storage, secret: Secrets, transfer_threads: int, skip_existing: bool
) -> None:
    """What each process does: any job that comes, as many at once as it has hands."""
    exit_with_parent()
    store = s3_store(storage, secret, transfer_threads)
    render = serialised(_in_time)
    telling = threading.Lock()

    def do(number: int, request: RenderRequest, known: KnownThumbnails) -> None:
        try:
            outcome = generate_image(request, store, render, skip_existing=skip_existing, known=known)
            with telling:
                pipe.send((number, outcome))
        except BaseException:
            os._exit(1)  # our fault, not the image's: `here` meets it again, and tells of it

    with ThreadPoolExecutor(transfer_threads) as threads:
        while True:
            try:
                task = pipe.recv()
            except EOFError:
                return
            threads.submit(do, *task)


def _in_time(*arguments: Any) -> imaging.Rendering:
    """A Render that ends this process when it takes too long."""
    with kill_process_after(local_executor.RENDER_SECONDS):
        return render_in_this_process(*arguments)
