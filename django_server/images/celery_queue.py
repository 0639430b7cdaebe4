"""The Celery queue: enqueue image ids, one per task or in chunks, and count queued messages.

A message may be lost. The status in the database row is authoritative, and the sweeper queues pending images again. If
the queue is unavailable, `enqueue` does not raise. It returns the ids that were not queued, and its caller
(`images.processing.enqueue_or_mark`) marks their rows. This module uses no database.
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

# Tasks are sent by name, because this module must not import `images.tasks`.
PROCESS_IMAGE = "images.process_image"
PROCESS_CHUNK = "images.process_chunk"
MAKE_THUMBNAILS = "images.make_thumbnails"
RECONCILE = "images.reconcile"
# This header of a message has the id of the HTTP request that queued it.
REQUEST_ID_HEADER = "django_file_upload_request_id"
# The queue for work that no user waits for. A worker takes messages from it only when no upload is queued.
BULK = "bulk"
_TIMEOUT_SECONDS = 0.5


def chunk_size(images: int, processes: int, limit: int) -> int:
    """The number of ids in a chunk, at most `limit`, so that `images` are divided among all `processes`."""
    return max(1, min(limit, math.ceil(images / max(1, processes))))


def enqueue(ids: Sequence[UUID], *, one_task_each: bool) -> Sequence[UUID]:
    """Queue these ids. After the first failure, returns the ids that were not queued.

    Blocks for up to half a second while Redis is frozen, so never call it on an event loop.
    """
    size = 1 if one_task_each else chunk_size(len(ids), settings.WORKER_PROCESSES, settings.CHUNK_SIZE)
    sent = 0
    try:
        for chunk in _chunks([str(id_) for id_ in ids], size):
            if one_task_each:
                _send(PROCESS_IMAGE, chunk)
            else:
                _send(PROCESS_CHUNK, [chunk])
            sent += len(chunk)
    except (OperationalError, RedisError, OSError) as error:
        logger.warning(
            "The queue is unavailable (%s). The sweeper will queue %d images.", error, len(ids) - sent
        )
    return ids[sent:]


def enqueue_thumbnails(ids: Sequence[UUID]) -> bool:
    """Queue one task that generates the missing thumbnails of these images. False if the queue is unavailable."""
    try:
        _send(MAKE_THUMBNAILS, [[str(id_) for id_ in ids]], queue=BULK)
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("The queue is unavailable (%s).", error)
        return False
    return True


def bulk_queue_length() -> int | None:
    """The number of messages in the queue `bulk`; None if Redis is unavailable."""
    try:
        with _redis() as redis:
            return int(redis.llen(BULK))
    except (RedisError, OSError):
        return None


def is_empty() -> bool | None:
    """True if no upload is queued and no message is unacknowledged. None if Redis is unavailable."""
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
    """The depths of all queues, in one round trip to Redis. None if Redis is unavailable."""
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


def redis_responds() -> bool:
    """Whether Redis responds within half a second."""
    return is_empty() is not None


def _send(name: str, arguments: Sequence[Any], queue: str | None = None) -> None:
    request_id = current_request_id()
    headers = {REQUEST_ID_HEADER: request_id} if request_id else None
    current_app.send_task(name, args=arguments, headers=headers, queue=queue, retry=False)


def _redis() -> "Redis":
    return Redis.from_url(
        settings.REDIS_URL, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS
    )


def _chunks(ids: list[str], size: int) -> Iterable[list[str]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
