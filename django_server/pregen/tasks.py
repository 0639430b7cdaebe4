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

from imaging.time_limit import kill_process_after
from pregen.errors import PregenError
from pregen.generate.celery_executor import TASK, redis_at
from pregen.generate.one_image import (
    Failure,
    Outcome,
    generate_image,
    render_in_this_process,
    serialised,
    stat_many,
)
from pregen.generate.render_requests import RenderRequest
from pregen.storage import Storage, StorageOptions, open_store, read_secrets

_TRANSFER_THREADS = 8  # images in flight on S3
_ANSWERS_LIVE_SECONDS = 24 * 3600
_render = serialised(render_in_this_process)


@shared_task(name=TASK, bind=True, acks_late=True, ignore_result=True)
def generate_chunk(self: "Task[Any, Any]", chunk: dict[str, Any]) -> None:
    """`chunk`: its `id`, the `answers` list's name, the `storage`, `skip_existing` and the `jobs`."""
    with _answers(self.app.conf.broker_url, chunk) as answer:
        answer({"begun": True, "host": socket.gethostname()})
        work(chunk, answer)


def work(chunk: dict[str, Any], answer: Any) -> None:
    """Do the jobs; each outcome is answered as soon as there is one."""
    requests = [RenderRequest.from_json(request) for request in chunk["jobs"]]
    storage = Storage(**chunk["storage"])
    try:
        store = open_store(storage, read_secrets(StorageOptions(), os.environ), _TRANSFER_THREADS)
    except PregenError as failure:
        cause = f"The worker on {socket.gethostname()} can't open the archive: {failure}"
        for request in requests:
            answer({"outcome": Outcome(request, failure=Failure("worker_without_archive", cause)).as_json()})
        return

    skip_existing = chunk["skip_existing"]
    known = stat_many(requests, store) if skip_existing else {}

    def do(request: RenderRequest) -> None:
        outcome = generate_image(request, store, _render, skip_existing=skip_existing, known=known)
        answer({"outcome": outcome.as_json()})

    if storage.s3_bucket is None:
        for request in requests:
            # The run misses the answers of a process that died, and gives its images out again.
            with kill_process_after(chunk["render_seconds"]):
                do(request)
        return
    with (
        ThreadPoolExecutor(_TRANSFER_THREADS) as transfer_threads,
        kill_process_after(chunk["render_seconds"] * len(requests)),
    ):
        list(transfer_threads.map(do, requests))


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
