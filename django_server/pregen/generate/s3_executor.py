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
from imaging.process_pool import end_with_parent
from imaging.time_limit import dies_after
from pregen.console import log
from pregen.errors import PregenError
from pregen.generate import local_executor
from pregen.generate.one_image import Known, Outcome, glance, make, one_at_a_time, render_in_this_process
from pregen.generate.render_requests import Job
from pregen.stop_signals import undisturbed
from pregen.storage import Secrets, Storage, bucket_of

LIBRARIES = (*s3.LIBRARIES, __name__)
"""What each process would load by itself."""

_GLANCE = 256  # seconds, not minutes, lie between the look and the last of them
_AHEAD = 2  # images that wait at a process, so that it need not wait for one
_MOST_DEATHS = 10  # then all the rest is done by `here`


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
    in_hand: dict[int, Job] = field(default_factory=dict)


def run(
    jobs: Iterator[Job],
    bucket: Bucket,
    crew: local_executor.Crew,
    finish: Callable[[Outcome], None],
    *,
    skip_existing: bool,
) -> None:
    """Do every job; `finish` is told of each outcome, one at a time.

    Interrupted, it gives what is in flight ten seconds, and drops the rest.
    """
    seen = _seen(jobs, bucket.store, skip_existing=skip_existing)
    again: list[Job] = []
    workers = _Workers(bucket, crew, skip_existing=skip_existing)
    try:
        while workers.deal(seen):
            again += workers.hear(finish)
    except BaseException:
        workers.drain(finish, local_executor.FINISH_SECONDS)
        raise
    finally:
        workers.stop()
    # Jobs are left only where every process has died, the last one with some in hand.
    if again:
        left = chain(again, (job for job, _ in seen))
        local_executor.run(left, bucket.store, crew, finish, skip_existing=skip_existing)


def _seen(jobs: Iterator[Job], store: Store, *, skip_existing: bool) -> Iterator[tuple[Job, Known]]:
    """The jobs, each with what is known of its thumbnails: looked up for many, when the first of them begins."""
    while some := list(islice(jobs, _GLANCE)):
        known = glance(some, store) if skip_existing else {}
        for job in some:
            yield job, {key: known[key] for key in job.targets.values() if key in known}


class _Workers:
    """The processes, and what each has in hand."""

    def __init__(self, bucket: Bucket, crew: local_executor.Crew, *, skip_existing: bool) -> None:
        self._hands = -(-crew.hands // crew.workers)
        self._arguments = (bucket.storage, bucket.secret, self._hands, skip_existing)
        self._context = local_executor.context()
        self._workers = [self._started() for _ in range(crew.workers)]
        self._deaths = 0
        self._numbers = count()

    def deal(self, seen: Iterator[tuple[Job, Known]]) -> bool:
        """Give out as much as there are hands for. Whether anything is in hand then."""
        for worker in self._workers:
            for job, known in islice(seen, max(0, self._hands + _AHEAD - len(worker.in_hand))):
                number = next(self._numbers)
                try:
                    with undisturbed:  # half a message would end the process
                        worker.in_hand[number] = job
                        worker.pipe.send((number, job, known))
                except OSError:
                    break  # it died: `hear` learns of it too
        return self._at_work()

    def hear(self, finish: Callable[[Outcome], None]) -> list[Job]:
        """Wait for outcomes, and tell of them. What has to be done again, for who had it has died."""
        again: list[Job] = []
        for worker in self._told(finish, None):
            again += worker.in_hand.values()
            self._end(worker)
            self._deaths += 1
            log.warning(
                "A process that makes thumbnails died. What it had in hand is done again, one by one."
            )
            if self._deaths < _MOST_DEATHS:
                self._workers.append(self._started())
        return again

    def drain(self, finish: Callable[[Outcome], None], seconds: float) -> None:
        """Tell of what is in hand, as far as it is done in so many seconds."""
        deadline = time.monotonic() + seconds
        while self._at_work() and (left := deadline - time.monotonic()) > 0:
            for worker in self._told(finish, left):
                self._end(worker)

    def stop(self) -> None:
        for worker in list(self._workers):
            self._end(worker)

    def _at_work(self) -> bool:
        return any(worker.in_hand for worker in self._workers)

    def _told(self, finish: Callable[[Outcome], None], seconds: float | None) -> list[_Worker]:
        """Wait for outcomes, or so long, and tell of them. Returns who has died."""
        heard = wait([worker.pipe for worker in self._workers], seconds)
        speaking = [worker for worker in self._workers if worker.pipe in heard]
        return [worker for worker in speaking if not _tell(worker, finish)]

    def _end(self, worker: _Worker) -> None:
        worker.pipe.close()
        worker.process.kill()
        worker.process.join()
        self._workers.remove(worker)

    def _started(self) -> _Worker:
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


def _tell(worker: _Worker, finish: Callable[[Outcome], None]) -> bool:
    """Tell of the outcome that waits in its pipe. False: its end waits there, it has died."""
    with undisturbed:  # what was heard is told
        try:
            number, outcome = worker.pipe.recv()
        except (EOFError, OSError):
            return False
        del worker.in_hand[number]
        finish(outcome)
    return True


def _serve(pipe: Connection, storage: Storage, secret: Secrets, hands: int, skip_existing: bool) -> None:
    """What each process does: any job that comes, as many at once as it has hands."""
    end_with_parent()
    store = bucket_of(storage, secret, hands)
    render = one_at_a_time(_in_time)
    telling = threading.Lock()

    def do(number: int, job: Job, known: Known) -> None:
        try:
            outcome = make(job, store, render, skip_existing=skip_existing, known=known)
            with telling:
                pipe.send((number, outcome))
        except BaseException:
            os._exit(1)  # our fault, not the image's: `here` meets it again, and tells of it

    with ThreadPoolExecutor(hands) as threads:
        while True:
            try:
                task = pipe.recv()
            except EOFError:
                return
            threads.submit(do, *task)


def _in_time(*arguments: Any) -> imaging.Rendering:
    """A Render that ends this process when it takes too long."""
    with dies_after(local_executor.RENDER_SECONDS):
        return render_in_this_process(*arguments)
