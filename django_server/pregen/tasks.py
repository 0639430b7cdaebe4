"""The Celery task that makes a chunk of thumbnails for `generate --distribute`, in a worker of the server.

It may come twice: a thumbnail that is there is left alone, a second one replaces like with like. Answers go to a list
of the run in Redis, one for each image, so that the run sees where a killed worker stopped.
"""

import json
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from celery import Task, shared_task

from imaging.time_limit import dies_after
from pregen.errors import PregenError
from pregen.generate.celery_executor import TASK, redis_at
from pregen.generate.one_image import Failure, Outcome, glance, make, one_at_a_time, render_in_this_process
from pregen.generate.render_requests import Job
from pregen.storage import Given, Storage, open_store, secrets

_HANDS = 8  # images in flight on S3
_ANSWERS_LIVE_SECONDS = 24 * 3600
_render = one_at_a_time(render_in_this_process)


@shared_task(name=TASK, bind=True, acks_late=True, ignore_result=True)
def make_chunk(self: "Task[Any, Any]", chunk: dict[str, Any]) -> None:
    """`chunk`: its `id`, the `answers` list's name, the `storage`, `skip_existing` and the `jobs`."""
    with _answers(self.app.conf.broker_url, chunk) as answer:
        answer({"begun": True, "host": socket.gethostname()})
        work(chunk, answer)


def work(chunk: dict[str, Any], answer: Any) -> None:
    """Do the jobs; each outcome is answered as soon as there is one."""
    jobs = [Job.from_json(job) for job in chunk["jobs"]]
    storage = Storage(**chunk["storage"])
    try:
        store = open_store(storage, secrets(Given(), os.environ), _HANDS)
    except PregenError as failure:
        cause = f"The worker on {socket.gethostname()} can't open the archive: {failure}"
        for job in jobs:
            answer({"outcome": Outcome(job, failure=Failure("worker_without_archive", cause)).as_json()})
        return

    skip_existing = chunk["skip_existing"]
    known = glance(jobs, store) if skip_existing else {}

    def do(job: Job) -> None:
        outcome = make(job, store, _render, skip_existing=skip_existing, known=known)
        answer({"outcome": outcome.as_json()})

    if storage.s3_bucket is None:
        for job in jobs:
            # The run misses the answers of a process that died, and gives its images out again.
            with dies_after(chunk["render_seconds"]):
                do(job)
        return
    with ThreadPoolExecutor(_HANDS) as hands, dies_after(chunk["render_seconds"] * len(jobs)):
        list(hands.map(do, jobs))


@contextmanager
def _answers(broker: str, chunk: dict[str, Sequence[Any]]) -> Iterator[Any]:
    client = redis_at(broker)
    telling = threading.Lock()

    def answer(said: dict[str, Any]) -> None:
        with telling, client.pipeline() as pipeline:
            pipeline.rpush(str(chunk["answers"]), json.dumps({"chunk": chunk["id"], **said}))
            pipeline.expire(str(chunk["answers"]), _ANSWERS_LIVE_SECONDS)
            pipeline.execute()

    try:
        yield answer
    finally:
        client.close()
