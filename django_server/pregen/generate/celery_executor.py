"""Work given out to Celery workers on the server's broker, chunk by chunk, and their answers gathered.

Owns the recovery: a chunk whose worker has not been heard of for a while is given out again, image by image, and
after three times is a failure. Used by generate; its counterpart is `tasks`.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pregen.console import log
from pregen.errors import BadConfiguration, StoreFailure
from pregen.generate.one_image import Failure, Outcome
from pregen.generate.render_requests import RenderRequest
from pregen.storage import Storage

TASK = "pregen.make_chunk"
QUEUE = "bulk"
_CHUNK_IMAGES = 16
_CHUNKS_OUT = 64  # bounds memory, and keeps this many worker processes busy
_MAX_TRIES = 3
_WAIT_SECONDS = 1
_WARN_SECONDS = 15.0


@dataclass(frozen=True)
class DistributeOptions:
    """`silence_seconds`: how long a worker may say nothing before its images are given to another."""

    broker: str
    one_by_one: bool = False
    skip_existing: bool = True
    worker_timeout_seconds: float = 90.0
    render_seconds: float = 60.0


@dataclass
class _Chunk:
    """Jobs that are out, by the key of their original."""

    requests: dict[str, RenderRequest]
    tries: int
    last_response_at: float
    begun: bool = False


@dataclass
class _InFlight:
    """All that is out."""

    chunks: dict[str, _Chunk] = field(default_factory=dict)
    retries: list[tuple[RenderRequest, int]] = field(default_factory=list)


def run(
    requests: Iterator[RenderRequest],
    storage: Storage,
    plan: DistributeOptions,
    finish: Callable[[Outcome], None],
) -> None:
    """Have every job done elsewhere. Raises BadConfiguration, StoreFailure for a broker that can't be used."""
    client = redis_at(plan.broker)
    publisher = _Publisher(plan, storage, f"pregen.answers.{uuid.uuid4().hex}")
    out = _InFlight()
    try:
        client.ping()
        _loop(requests, plan, client, publisher, out, finish)
    except _redis_errors() as failure:
        raise StoreFailure("The broker can't be reached, or broke off. Is Redis running there?") from failure
    finally:
        publisher.close()
        client.close()


def _loop(
    requests: Iterator[RenderRequest],
    plan: DistributeOptions,
    client: Any,
    publisher: "_Publisher",
    out: _InFlight,
    finish: Callable[[Outcome], None],
) -> None:
    more = True
    warned_at = time.monotonic()
    most_out = _CHUNKS_OUT if not plan.one_by_one else 4
    while more or out.chunks or out.retries:
        while out.retries and len(out.chunks) < most_out:
            request, tries = out.retries.pop()
            _send([request], tries, publisher, out)
        while more and len(out.chunks) < most_out:
            batch = list(islice(requests, 1 if plan.one_by_one else _CHUNK_IMAGES))
            more = bool(batch)
            if batch:
                _send(batch, 1, publisher, out)
            if plan.one_by_one:
                break
        _receive(client, publisher.answers, out, finish, wait=bool(out.chunks))
        _requeue_lost(client, plan, out, finish)
        if out.chunks and not any(chunk.begun for chunk in out.chunks.values()):
            if time.monotonic() - warned_at > _WARN_SECONDS:
                warned_at = time.monotonic()
                log.warning(
                    "No worker has begun yet. Is one running, for the queue %r of this broker?", QUEUE
                )
        else:
            warned_at = time.monotonic()


def _send(requests: list[RenderRequest], tries: int, publisher: "_Publisher", out: _InFlight) -> None:
    name = publisher.send(requests)
    out.chunks[name] = _Chunk(
        {request.original_key: request for request in requests}, tries, time.monotonic()
    )


def _receive(
    client: Any, answers: str, out: _InFlight, finish: Callable[[Outcome], None], *, wait: bool
) -> None:
    """Take in the answers there are; with `wait`, wait a second for the first."""
    first = client.blpop([answers], timeout=_WAIT_SECONDS) if wait else None
    texts = [] if first is None else [first[1]]
    texts += client.lpop(answers, 1000) or []
    for text in texts:
        said = json.loads(text)
        chunk = out.chunks.get(said["chunk"])
        if chunk is None:
            continue  # given to another worker meanwhile, who answers for it
        chunk.begun, chunk.last_response_at = True, time.monotonic()
        if "outcome" in said:
            outcome = Outcome.from_json(said["outcome"])
            if chunk.requests.pop(outcome.request.original_key, None) is not None:
                finish(outcome)
            if not chunk.requests:
                del out.chunks[said["chunk"]]


def _requeue_lost(
    client: Any, plan: DistributeOptions, out: _InFlight, finish: Callable[[Outcome], None]
) -> None:
    """Take back what is in silent hands."""
    now = time.monotonic()
    silent = [
        name
        for name, chunk in out.chunks.items()
        if now - chunk.last_response_at > plan.worker_timeout_seconds
    ]
    waiting = bool(silent) and client.llen(QUEUE) > 0
    for name in silent:
        if waiting and not out.chunks[name].begun:
            continue  # still in the queue, for all that can be told
        chunk = out.chunks.pop(name)
        log.warning("A worker fell silent: %s images are given to another.", len(chunk.requests))
        for request in chunk.requests.values():
            if chunk.tries < _MAX_TRIES:
                # Alone: an image that kills its worker must not take others along again.
                out.retries.append((request, chunk.tries + 1))
            else:
                cause = f"{_MAX_TRIES} workers fell silent over it."
                finish(Outcome(request, failure=Failure("worker_lost", cause)))


class _Publisher:
    """Sends chunks to the queue."""

    def __init__(self, plan: DistributeOptions, storage: Storage, answers: str) -> None:
        from celery import Celery

        self.answers = answers
        self._plan, self._storage = plan, storage
        self._app = Celery("pregen", broker=celery_url(plan.broker), set_as_current=False)
        self._app.conf.update(
            task_serializer="json",
            task_ignore_result=True,
            broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 5},
        )

    def send(self, requests: list[RenderRequest]) -> str:
        """Returns the chunk's id. Secrets stay here: workers have their own."""
        name = uuid.uuid4().hex
        chunk = {
            "id": name,
            "answers": self.answers,
            "storage": self._storage.as_json(),
            "skip_existing": self._plan.skip_existing,
            "render_seconds": self._plan.render_seconds,
            "jobs": [request.as_json() for request in requests],
        }
        self._app.send_task(TASK, args=[chunk], queue=QUEUE, ignore_result=True)
        return name

    def close(self) -> None:
        self._app.close()


def redis_at(broker: str) -> Any:
    """A client of the broker. Raises BadConfiguration for an address of another kind."""
    import redis

    url = broker.replace("redis+socket://", "unix://", 1)
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise BadConfiguration("The broker is a Redis: redis://HOST:PORT/0 or unix:///PATH.")
    return redis.Redis.from_url(url, socket_timeout=10, socket_connect_timeout=5)


def celery_url(broker: str) -> str:
    """As Celery writes the address of a unix socket."""
    return broker.replace("unix://", "redis+socket://", 1)


def _redis_errors() -> tuple[type[Exception], ...]:
    import redis
    from kombu.exceptions import OperationalError

    return (redis.RedisError, OperationalError)
