"""News of images on its way to listeners: the only importer of the channel layer.

Owns the groups, the shape of a layer message and the publishing thread. Must not ask the database: whoever changed
the rows encodes each frame once and calls `publish` after the commit. `images.live` is the receiving end.
The layer delivers at most once; what it loses is told again from the rows.
"""

import asyncio
import atexit
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Any, Literal, cast
from uuid import UUID

from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# What the channel layer raises when Redis is away, frozen or refusing.
LAYER_ERRORS: tuple[type[Exception], ...] = (RedisError, OSError, TimeoutError)

PUBLISH_ERRORS: tuple[type[BaseException], ...] = (*LAYER_ERRORS, CancelledError)

# One layer message: 25 images of about 1 KB, and never near the 64 KB of a frame.
MESSAGE_IMAGES = 25
MESSAGE_BYTES = 48 * 1024

# A caller waits 0.8 s at most, so that waking the thread still leaves it under the second promised.
PUBLISH_SECONDS = 0.8
CONNECT_SECONDS = 0.5
# After a failure publishes fail at once for so long: 1,000 of them must not cost 1,000 time-outs.
QUIET_SECONDS = 1.0

EVERYTHING = "all"

Kind = Literal["image", "removed"]


@dataclass(frozen=True)
class News:
    """One change of one image. `text` is the whole frame for clients, JSON encoded once by who publishes it.

    `kind` is "removed" for the frame of that type: those are never joined with others.
    """

    job_id: UUID
    batch_id: UUID | None
    text: str
    kind: Kind = "image"


@dataclass(frozen=True)
class Item:
    """News as it arrives: `job_hex` to filter by without parsing, `byte_size` of `text` in UTF-8."""

    job_hex: str
    kind: Kind
    text: str
    byte_size: int


def batch_group(batch_id: UUID) -> str:
    """The group that hears of one batch only."""
    return f"batch.{batch_id.hex}"


def packed(byte_sizes: Sequence[int], most: int, most_bytes: int) -> Iterator[slice]:
    """Cuts a sequence of sizes into runs of at most `most` and `most_bytes`; one that is too large goes alone."""
    start = 0
    run_bytes = 0
    for index, byte_size in enumerate(byte_sizes):
        if index > start and (index - start >= most or run_bytes + byte_size > most_bytes):
            yield slice(start, index)
            start, run_bytes = index, 0
        run_bytes += byte_size
    if start < len(byte_sizes):
        yield slice(start, len(byte_sizes))


def publish(news: Sequence[News]) -> bool:
    """Tells all listeners. True when nothing failed; False means some may not have been told.

    Callable from any thread and any forked child, not from an event loop: it waits, less than 1 s in all. Never raises.
    """
    return not news or _sent(list(_messages(news)), f"News of {len(news)} images was not published")


def answers() -> bool:
    """Whether the channel layer takes messages now. Waits and raises as little as `publish`."""
    return _sent([("readiness", {"type": "readiness"})], "The channel layer does not answer")


def _sent(messages: "Sequence[Message]", complaint: str) -> bool:
    publisher = _publisher()
    if publisher.is_quiet():
        return False
    try:
        publisher.submit(messages).result(PUBLISH_SECONDS)
    except PUBLISH_ERRORS as error:
        publisher.be_quiet()
        logger.warning("%s: %s", complaint, type(error).__name__)
        return False
    return True


async def send_probe(group: str, token: str) -> None:
    """Sends a message that only whoever made `token` cares about.

    Raises: one of LAYER_ERRORS, within a second.
    """
    publisher = _publisher()
    if publisher.is_quiet():
        raise ConnectionError("The channel layer failed a moment ago.")
    sent = publisher.submit([(group, {"type": "probe", "group": group, "token": token})])
    await asyncio.wait_for(asyncio.wrap_future(sent), PUBLISH_SECONDS)


def items_of(message: dict[str, Any]) -> list[Item]:
    """What a layer message of type "news" carries."""
    return [Item(job_hex, kind, text, len(text.encode())) for job_hex, kind, text in message["items"]]


def open_layer(on_connect: Callable[[], None] | None = None) -> RedisPubSubChannelLayer:
    """A channel layer for one event loop. `on_connect` is called there for each connection made to Redis."""
    options: dict[str, Any] = {
        "address": settings.REDIS_URL,
        "socket_connect_timeout": CONNECT_SECONDS,
        # Said on purpose: redis-py 8 takes 5 s when nothing is said, and an idle listener hears no more.
        "socket_timeout": None,
    }
    if on_connect is not None:

        async def connected(connection: Any) -> None:
            await connection.on_connect()
            on_connect()

        options["redis_connect_func"] = connected
    logging.getLogger("channels_redis.pubsub").addFilter(_is_news_to_us)
    config = cast(dict[str, Any], settings.CHANNEL_LAYERS["default"].get("CONFIG", {}))
    return RedisPubSubChannelLayer(**{**config, "hosts": [options]})


def _is_news_to_us(record: logging.LogRecord) -> bool:
    """Not the layer's traceback each second that Redis is away: publishers and the hub say that in a line."""
    return not (record.exc_info and isinstance(record.exc_info[1], LAYER_ERRORS))


Message = tuple[str, dict[str, Any]]


def _messages(news: Sequence[News]) -> Iterator[Message]:
    """Everything for the group of all, then each batch's for its own."""
    yield from _to_group(EVERYTHING, news)
    by_batch: dict[UUID, list[News]] = {}
    for one in news:
        if one.batch_id is not None:
            by_batch.setdefault(one.batch_id, []).append(one)
    for batch_id, of_batch in by_batch.items():
        yield from _to_group(batch_group(batch_id), of_batch)


def _to_group(group: str, news: Sequence[News]) -> Iterator[Message]:
    for run in packed([len(one.text.encode()) for one in news], MESSAGE_IMAGES, MESSAGE_BYTES):
        items = [(one.job_id.hex, one.kind, one.text) for one in news[run]]
        yield group, {"type": "news", "group": group, "items": items}


class _Publisher:
    """One daemon thread with one event loop: the layer's connections belong to a loop and must not change it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._pid = os.getpid()
        self._quiet_until = 0.0
        self._layer = open_layer()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    def is_quiet(self) -> bool:
        return time.monotonic() < self._quiet_until

    def be_quiet(self) -> None:
        self._quiet_until = time.monotonic() + QUIET_SECONDS

    def submit(self, messages: Sequence[Message]) -> "Future[None]":
        return asyncio.run_coroutine_threadsafe(self._send(messages), self._loop)

    async def _send(self, messages: Sequence[Message]) -> None:
        # Given up here as well as by the waiting caller: a frozen Redis must not keep the layer's lock.
        async with asyncio.timeout(PUBLISH_SECONDS):
            for group, message in messages:
                await self._layer.group_send(group, message)

    def stop(self) -> None:
        """Closes the connections. In a forked child they are the parent's, and left alone."""
        atexit.unregister(self.stop)
        if os.getpid() != self._pid or not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PUBLISH_SECONDS)

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()  # the layer has hooked it: this closes its connections


_lock = threading.Lock()
_current: _Publisher | None = None
# Kept from being collected: closing a parent's loop here would reach into the parent's epoll.
_of_the_parent: list[_Publisher] = []


def _publisher() -> _Publisher:
    global _current
    with _lock:
        if _current is None or _current.address != settings.REDIS_URL:
            if _current is not None:
                _current.stop()
            _current = _Publisher(settings.REDIS_URL)
        return _current


def _forget_after_fork() -> None:
    """A child has neither the thread nor a right to its sockets, and the lock may have been held just then."""
    global _lock, _current
    if _current is not None:
        _of_the_parent.append(_current)
    _lock = threading.Lock()
    _current = None


os.register_at_fork(after_in_child=_forget_after_fork)
