"""The Celery task that renders a chunk of images for `generate --distribute`, in a worker of the server.

The task is idempotent: existing thumbnails are skipped, and a second write replaces a file by the same content. The
task pushes one result for each image to a Redis list of the run, so that the run knows which images a killed worker
finished.
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

_TRANSFER_THREADS = 8  # images that a task processes at a time on S3
_RESULTS_EXPIRE_SECONDS = 24 * 3600
_render = serialised(render_in_this_process)


@shared_task(name=TASK, bind=True, acks_late=True, ignore_result=True)
def generate_chunk(self: "Task[Any, Any]", chunk: dict[str, Any]) -> None:
    """Process a chunk, which `celery_executor` sends: `answers` is the name of the list, `jobs` has the requests."""
    with _result_list(self.app.conf.broker_url, chunk) as send:
        send({"begun": True, "host": socket.gethostname()})
        work(chunk, send)


def work(chunk: dict[str, Any], send: Any) -> None:
    """Process the requests of the chunk. `send` pushes each outcome to the list at once."""
    requests = [RenderRequest.from_json(request) for request in chunk["jobs"]]
    storage = Storage(**chunk["storage"])
    try:
        store = open_store(storage, read_secrets(StorageOptions(), os.environ), _TRANSFER_THREADS)
    except PregenError as failure:
        cause = f"The worker on {socket.gethostname()} can't open the archive: {failure}"
        for request in requests:
            send({"outcome": Outcome(request, failure=Failure("worker_without_archive", cause)).as_json()})
        return

    skip_existing = chunk["skip_existing"]
    stat_results = stat_many(requests, store) if skip_existing else {}

    def process(request: RenderRequest) -> None:
        outcome = generate_image(
            request, store, _render, skip_existing=skip_existing, stat_results=stat_results
        )
        send({"outcome": outcome.as_json()})

    if storage.s3_bucket is None:
        for request in requests:
            # After a kill the run gets no results from this process and sends its images to another worker.
            with kill_process_after(chunk["render_seconds"]):
                process(request)
        return
    with (
        ThreadPoolExecutor(_TRANSFER_THREADS) as threads,
        kill_process_after(chunk["render_seconds"] * len(requests)),
    ):
        list(threads.map(process, requests))


@contextmanager
def _result_list(broker: str, chunk: dict[str, Sequence[Any]]) -> Iterator[Any]:
    client = redis_at(broker)
    send_lock = threading.Lock()

    def send(message: dict[str, Any]) -> None:
        with send_lock, client.pipeline() as pipeline:
            pipeline.rpush(str(chunk["answers"]), json.dumps({"chunk": chunk["id"], **message}))
            pipeline.expire(str(chunk["answers"]), _RESULTS_EXPIRE_SECONDS)
            pipeline.execute()

    try:
        yield send
    finally:
        client.close()
