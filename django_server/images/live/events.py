"""Events of images on their way to clients: the groups, the messages of the channel layer, and the publishing thread.

`images.processing.publish` encodes each frame once and calls `publish` after the commit. `layer_subscription` receives
the messages. This module must not query the database. The layer delivers each message at most once. The sweeper later
publishes the changes that could not be published. A client that may have missed events is asked to subscribe again.
"""

import asyncio
import atexit
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Future
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import orjson

from images.live.channel_layer import LAYER_ERRORS, create_layer, layer_setting

logger = logging.getLogger(__name__)

PUBLISH_ERRORS: tuple[type[BaseException], ...] = (*LAYER_ERRORS, CancelledError)

# Limits of one layer message: 25 events of about 1 KB each, and fewer bytes than a WebSocket frame may have (64 KB).
MESSAGE_EVENTS = 25
MESSAGE_BYTES = 48 * 1024

# The longest wait for the publishing thread. With the time to wake the thread, `publish` takes less than 1 s.
PUBLISH_TIMEOUT_SECONDS = 0.8
# After a failure, publishing fails immediately during this time, so that 1,000 calls do not wait for 1,000 time-outs.
PAUSE_SECONDS = 1.0

ALL_GROUP = "all"

Kind = Literal["image", "removed"]


@dataclass(frozen=True)
class Event:
    """One change of one image, as it is published. `text` is the whole frame for clients, encoded as JSON once.

    `kind` is "removed" if the image was deleted. Such events are never coalesced.
    """

    job_id: UUID
    batch_id: UUID | None
    text: str
    kind: Kind = "image"


@dataclass(frozen=True)
class EventFrame:
    """An event to send to clients. `job_hex` allows filtering without parsing. `byte_size`: size of `text` in UTF-8."""

    job_hex: str
    kind: Kind
    text: str
    byte_size: int


class ForeignMessageError(Exception):
    """A received message was not sent by this module: another application uses the same groups of the same Redis."""


def batch_group(batch_id: UUID) -> str:
    """The group that receives the events of one batch."""
    return f"batch.{batch_id.hex}"


def bounded_slices(byte_sizes: Sequence[int], max_count: int, max_bytes: int) -> Iterator[slice]:
    """Slices of consecutive entries, each of at most `max_count` entries and `max_bytes` in total.

    An entry above `max_bytes` gets a slice of its own.
    """
    start = 0
    run_bytes = 0
    for index, byte_size in enumerate(byte_sizes):
        if index > start and (index - start >= max_count or run_bytes + byte_size > max_bytes):
            yield slice(start, index)
            start, run_bytes = index, 0
        run_bytes += byte_size
    if start < len(byte_sizes):
        yield slice(start, len(byte_sizes))


def publish(events: Sequence[Event]) -> bool:
    """Publishes to all subscribers. Returns False if some subscribers may not have received the events.

    Blocks for less than 1 s and never raises. Can be called in any thread and any forked child, but not on an event
    loop, because it blocks.
    """
    return not events or _send_or_warn(
        list(_messages(events)), f"Events of {len(events)} images were not published"
    )


def layer_works() -> bool:
    """Whether the channel layer accepts messages now. Blocks for less than 1 s and never raises."""
    return _send_or_warn([("readiness", {"type": "readiness"})], "The channel layer is not available")


async def send_probe(group: str, token: str) -> None:
    """Publishes a message with `token` to the group. Only the subscription that created the token waits for it.

    Raises: one of LAYER_ERRORS, within a second.
    """
    publisher = _publisher()
    if publisher.is_paused():
        raise ConnectionError("The channel layer failed less than a second ago.")
    sent = publisher.submit([(group, {"type": "subscription.probe", "token": token})])
    await asyncio.wait_for(asyncio.wrap_future(sent), PUBLISH_TIMEOUT_SECONDS)


def probe_token(message: object) -> str | None:
    """The token of a message sent by `send_probe`; None for any other message."""
    match message:
        case {"type": "subscription.probe", "token": str(token)}:
            return token
    return None


def received_events(message: object) -> tuple[str, list[EventFrame]]:
    """The group and the events of a message sent by `publish`.

    Raises: ForeignMessageError.
    """
    match message:
        case {"type": "image.events", "group": str(group), "events": [*events]}:
            return group, [_event_frame(event) for event in events]
    raise ForeignMessageError("it has none of the types that this application sends, or lacks a key")


def _event_frame(event: object) -> EventFrame:
    match event:
        case [str(job_hex), ("image" | "removed") as kind, str(text)] if _is_json_object(text):
            return EventFrame(job_hex, kind, text, len(text.encode()))
    raise ForeignMessageError("one of its events is malformed")


def _is_json_object(text: str) -> bool:
    """Whether `text` is a JSON object. This is checked because the text is sent to clients unchanged."""
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def _send_or_warn(messages: "Sequence[Message]", warning: str) -> bool:
    publisher = _publisher()
    if publisher.is_paused():
        return False
    try:
        publisher.submit(messages).result(PUBLISH_TIMEOUT_SECONDS)
    except PUBLISH_ERRORS as error:
        publisher.pause()
        logger.warning("%s: %s", warning, type(error).__name__)
        return False
    return True


Message = tuple[str, dict[str, Any]]


def _messages(events: Sequence[Event]) -> Iterator[Message]:
    """All events as messages for ALL_GROUP, then each batch's events as messages for the batch's group."""
    yield from _messages_to(ALL_GROUP, events)
    by_batch: dict[UUID, list[Event]] = {}
    for event in events:
        if event.batch_id is not None:
            by_batch.setdefault(event.batch_id, []).append(event)
    for batch_id, batch_events in by_batch.items():
        yield from _messages_to(batch_group(batch_id), batch_events)


def _messages_to(group: str, events: Sequence[Event]) -> Iterator[Message]:
    for run in bounded_slices([len(event.text.encode()) for event in events], MESSAGE_EVENTS, MESSAGE_BYTES):
        packed_events = [(event.job_id.hex, event.kind, event.text) for event in events[run]]
        yield group, {"type": "image.events", "group": group, "events": packed_events}


class _Publisher:
    """A daemon thread that runs the event loop of one channel layer, whose connections only work on that loop."""

    def __init__(self) -> None:
        self.setting = deepcopy(layer_setting())
        self._pid = os.getpid()
        self._paused_until = 0.0
        self._layer = create_layer()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    def is_paused(self) -> bool:
        return time.monotonic() < self._paused_until

    def pause(self) -> None:
        self._paused_until = time.monotonic() + PAUSE_SECONDS

    def submit(self, messages: Sequence[Message]) -> "Future[None]":
        return asyncio.run_coroutine_threadsafe(self._send(messages), self._loop)

    async def _send(self, messages: Sequence[Message]) -> None:
        # The caller's time limit ends only the caller's wait. This time limit ends the sending, so that the layer's
        # lock is released even if Redis is frozen.
        async with asyncio.timeout(PUBLISH_TIMEOUT_SECONDS):
            for group, message in messages:
                await self._layer.group_send(group, message)

    def stop(self) -> None:
        """Closes the connections, except in a forked child, where they belong to the parent."""
        atexit.unregister(self.stop)
        if os.getpid() != self._pid or not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PUBLISH_TIMEOUT_SECONDS)

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()  # The layer has wrapped close() to close its connections.


_current_lock = threading.Lock()
_current: _Publisher | None = None
# Keeps the parent's publisher from garbage collection in a forked child. Its collection would close the parent's event
# loop, and so change the epoll set that both processes share.
_publishers_of_parent: list[_Publisher] = []


def _publisher() -> _Publisher:
    global _current
    with _current_lock:
        if _current is None or _current.setting != layer_setting():
            if _current is not None:
                _current.stop()
            _current = _Publisher()
        return _current


def _reset_after_fork() -> None:
    """Makes a forked child create its own publisher. The child has no publishing thread and must not use its parent's
    sockets.

    The lock is replaced because another thread may have held it during the fork.
    """
    global _current_lock, _current
    if _current is not None:
        _publishers_of_parent.append(_current)
    _current_lock = threading.Lock()
    _current = None


os.register_at_fork(after_in_child=_reset_after_fork)
