"""The Celery queue: publish image ids as single tasks or as chunks that all worker processes share.

A message may be lost: the database row is the truth, and the sweeper queues pending images again. `publish` raises
nothing when the queue is unavailable; its caller writes rows (`images.processing.enqueue`).
"""

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from images.request_context import current_request_id

logger = logging.getLogger(__name__)

# Tasks are sent by name: this module must not import the one that defines them.
PROCESS_IMAGE = "images.process_image"
PROCESS_CHUNK = "images.process_chunk"
MAKE_THUMBNAILS = "images.make_thumbnails"
RECONCILE = "images.reconcile"
# The header of a message with the id of the request that queued it.
REQUEST_ID_HEADER = "django_file_upload_request_id"
# The queue of work that no person waits for. A worker takes from it only when no upload is queued.
BULK = "bulk"
_TIMEOUT_SECONDS = 0.5


def chunk_size(images: int, processes: int, most: int) -> int:
    """The number of ids in a chunk so that all `processes` share `images`, at most `most`."""
    return max(1, min(most, math.ceil(images / max(1, processes))))


def publish(ids: Sequence[UUID], *, one_task_each: bool) -> Sequence[UUID]:
    """Send these ids to the workers. Returns the ids that could not be sent: all after the first failure.

    Blocks for up to half a second while Redis is frozen, so never call it on an event loop.
    """
    size = 1 if one_task_each else chunk_size(len(ids), settings.WORKER_PROCESSES, settings.CHUNK_SIZE)
    sent = 0
    try:
        for chunk in _pieces([str(id_) for id_ in ids], size):
            if one_task_each:
                _send(PROCESS_IMAGE, chunk)
            else:
                _send(PROCESS_CHUNK, [chunk])
            sent += len(chunk)
    except (OperationalError, RedisError, OSError) as error:
        logger.warning(
            "The queue is unavailable (%s): %d images wait for the sweeper.", error, len(ids) - sent
        )
    return ids[sent:]


def ask_for_thumbnails(ids: Sequence[UUID]) -> bool:
    """Queue one chunk of images whose missing thumbnails are to be generated. False when the queue is unavailable."""
    try:
        _send(MAKE_THUMBNAILS, [[str(id_) for id_ in ids]], queue=BULK)
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("The queue is unavailable (%s).", error)
        return False
    return True


def waiting_in_bulk() -> int | None:
    """The number of messages in the queue `bulk`; None when the broker is unavailable."""
    try:
        with _redis() as redis:
            return int(redis.llen(BULK))
    except (RedisError, OSError):
        return None


def is_empty() -> bool | None:
    """Whether no message is queued or unacknowledged; None when the broker is unavailable."""
    try:
        with _redis() as redis:
            return not redis.llen(settings.CELERY_TASK_DEFAULT_QUEUE) and not redis.hlen("unacked")
    except (RedisError, OSError):
        return None


@dataclass(frozen=True)
class Depths:
    """The number of queued messages by queue, and of messages delivered but not acknowledged."""

    waiting: Mapping[str, int]
    unacknowledged: int


def depths() -> Depths | None:
    """The depths of all queues, in one round trip; None when the broker is unavailable."""
    names = (settings.CELERY_TASK_DEFAULT_QUEUE, BULK)
    try:
        with _redis() as redis, redis.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.llen(name)
            pipeline.hlen("unacked")
            *waiting, unacknowledged = pipeline.execute()
    except (RedisError, OSError):
        return None
    return Depths(dict(zip(names, waiting, strict=True)), unacknowledged)


def answers() -> bool:
    """Whether the broker answers within half a second."""
    return is_empty() is not None


def _send(name: str, arguments: Sequence[Any], queue: str | None = None) -> None:
    request_id = current_request_id()
    headers = {REQUEST_ID_HEADER: request_id} if request_id else None
    current_app.send_task(name, args=arguments, headers=headers, queue=queue, retry=False)


def _redis() -> "Redis":
    return Redis.from_url(
        settings.REDIS_URL, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS
    )


def _pieces(ids: list[str], size: int) -> Iterable[list[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
