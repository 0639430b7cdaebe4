"""Send chunks of images to Celery workers through the server's broker, and collect the results.

Owns the recovery: after 90 s without a response, the images of a chunk are sent again, each in a chunk of its own. An
image has failed if three tries get no response. Called by `generator`. `tasks` is the code in the worker.
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
_MAX_CHUNKS_IN_FLIGHT = 64  # This limits memory, and keeps 64 worker processes busy.
_MAX_TRIES = 3
_WAIT_SECONDS = 1
_WARN_SECONDS = 15.0


@dataclass(frozen=True)
class DistributeOptions:
    """`one_by_one`: for a throttled run, send one image per chunk.

    `worker_timeout_seconds`: the time without a response after which images are sent to another worker.
    """

    broker: str
    one_by_one: bool = False
    skip_existing: bool = True
    worker_timeout_seconds: float = 90.0
    render_seconds: float = 60.0


@dataclass
class _Chunk:
    """The unfinished requests of one message, by the key of their original."""

    requests: dict[str, RenderRequest]
    tries: int
    last_response_at: float
    begun: bool = False


@dataclass
class _InFlight:
    """`chunks`: unfinished chunks by id. `retries`: requests to send again, each with the number of its next try."""

    chunks: dict[str, _Chunk] = field(default_factory=dict)
    retries: list[tuple[RenderRequest, int]] = field(default_factory=list)


def run(
    requests: Iterator[RenderRequest],
    storage: Storage,
    options: DistributeOptions,
    on_outcome: Callable[[Outcome], None],
) -> None:
    """Have workers process all requests. Raises BadConfiguration, or StoreFailure if the broker fails."""
    client = redis_at(options.broker)
    publisher = _Publisher(options, storage, f"pregen.answers.{uuid.uuid4().hex}")
    in_flight = _InFlight()
    try:
        client.ping()
        _loop(requests, options, client, publisher, in_flight, on_outcome)
    except _redis_errors() as failure:
        raise StoreFailure(
            "The broker can't be reached, or closed the connection. Is Redis running there?"
        ) from failure
    finally:
        publisher.close()
        client.close()


def _loop(
    requests: Iterator[RenderRequest],
    options: DistributeOptions,
    client: Any,
    publisher: "_Publisher",
    in_flight: _InFlight,
    on_outcome: Callable[[Outcome], None],
) -> None:
    has_more = True
    warned_at = time.monotonic()
    max_in_flight = _MAX_CHUNKS_IN_FLIGHT if not options.one_by_one else 4
    while has_more or in_flight.chunks or in_flight.retries:
        while in_flight.retries and len(in_flight.chunks) < max_in_flight:
            request, tries = in_flight.retries.pop()
            _send([request], tries, publisher, in_flight)
        while has_more and len(in_flight.chunks) < max_in_flight:
            batch = list(islice(requests, 1 if options.one_by_one else _CHUNK_IMAGES))
            has_more = bool(batch)
            if batch:
                _send(batch, 1, publisher, in_flight)
            if options.one_by_one:
                break
        _receive(client, publisher.answers, in_flight, on_outcome, wait=bool(in_flight.chunks))
        _requeue_lost(client, options, in_flight, on_outcome)
        if in_flight.chunks and not any(chunk.begun for chunk in in_flight.chunks.values()):
            if time.monotonic() - warned_at > _WARN_SECONDS:
                warned_at = time.monotonic()
                log.warning(
                    "No worker has started yet. Is one running for the queue %r of this broker?", QUEUE
                )
        else:
            warned_at = time.monotonic()


def _send(requests: list[RenderRequest], tries: int, publisher: "_Publisher", in_flight: _InFlight) -> None:
    chunk_id = publisher.send(requests)
    in_flight.chunks[chunk_id] = _Chunk(
        {request.original_key: request for request in requests}, tries, time.monotonic()
    )


def _receive(
    client: Any, answers: str, in_flight: _InFlight, on_outcome: Callable[[Outcome], None], *, wait: bool
) -> None:
    """Handle all available results. With `wait`, wait up to a second for the first one."""
    first = client.blpop([answers], timeout=_WAIT_SECONDS) if wait else None
    texts = [] if first is None else [first[1]]
    texts += client.lpop(answers, 1000) or []
    for text in texts:
        message = json.loads(text)
        chunk = in_flight.chunks.get(message["chunk"])
        if chunk is None:
            continue  # The images were sent to another worker, whose results are used.
        chunk.begun, chunk.last_response_at = True, time.monotonic()
        if "outcome" in message:
            outcome = Outcome.from_json(message["outcome"])
            if chunk.requests.pop(outcome.request.original_key, None) is not None:
                on_outcome(outcome)
            if not chunk.requests:
                del in_flight.chunks[message["chunk"]]


def _requeue_lost(
    client: Any, options: DistributeOptions, in_flight: _InFlight, on_outcome: Callable[[Outcome], None]
) -> None:
    """Schedule the images of chunks without a recent response to be sent again, or report them as failed."""
    now = time.monotonic()
    overdue = [
        chunk_id
        for chunk_id, chunk in in_flight.chunks.items()
        if now - chunk.last_response_at > options.worker_timeout_seconds
    ]
    queue_has_messages = bool(overdue) and client.llen(QUEUE) > 0
    for chunk_id in overdue:
        if queue_has_messages and not in_flight.chunks[chunk_id].begun:
            continue  # The message is probably still in the queue.
        chunk = in_flight.chunks.pop(chunk_id)
        log.warning(
            "A worker does not respond. Its %s images are sent to another worker.", len(chunk.requests)
        )
        for request in chunk.requests.values():
            if chunk.tries < _MAX_TRIES:
                # Send each image alone. An image that kills its worker then does not affect the others.
                in_flight.retries.append((request, chunk.tries + 1))
            else:
                cause = f"{_MAX_TRIES} workers stopped responding on this image."
                on_outcome(Outcome(request, failure=Failure("worker_lost", cause)))


class _Publisher:
    """Publishes chunks to the queue."""

    def __init__(self, options: DistributeOptions, storage: Storage, answers: str) -> None:
        from celery import Celery

        self.answers = answers
        self._options, self._storage = options, storage
        self._app = Celery("pregen", broker=celery_url(options.broker), set_as_current=False)
        self._app.conf.update(
            task_serializer="json",
            task_ignore_result=True,
            broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 5},
        )

    def send(self, requests: list[RenderRequest]) -> str:
        """Publish a chunk and return its id. The chunk contains no credentials, because workers have their own."""
        chunk_id = uuid.uuid4().hex
        chunk = {
            "id": chunk_id,
            "answers": self.answers,
            "storage": self._storage.as_json(),
            "skip_existing": self._options.skip_existing,
            "render_seconds": self._options.render_seconds,
            "jobs": [request.as_json() for request in requests],
        }
        self._app.send_task(TASK, args=[chunk], queue=QUEUE, ignore_result=True)
        return chunk_id

    def close(self) -> None:
        self._app.close()


def redis_at(broker: str) -> Any:
    """A Redis client for the broker. Raises BadConfiguration if the address is not that of a Redis."""
    import redis

    url = broker.replace("redis+socket://", "unix://", 1)
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise BadConfiguration("The broker must be a Redis: redis://HOST:PORT/0 or unix:///PATH.")
    return redis.Redis.from_url(url, socket_timeout=10, socket_connect_timeout=5)


def celery_url(broker: str) -> str:
    """The broker's address in Celery's notation for unix sockets."""
    return broker.replace("unix://", "redis+socket://", 1)


def _redis_errors() -> tuple[type[Exception], ...]:
    import redis
    from kombu.exceptions import OperationalError

    return (redis.RedisError, OperationalError)
