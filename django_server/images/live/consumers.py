"""The consumer of /ws/upload/: sends a client the events that it subscribed to, and snapshots from the database.

`images.live.routing` maps the URL to it. It changes no row. The server sends a protocol-level ping every 30 s, which
WebSocket clients answer automatically, and closes the connection 60 s after a ping without an answer. Clients may also
send a JSON message of type `ping`, answered with `pong`, but need not.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError
from starlette.types import Message, Receive, Scope, Send

from images.live.bounded_sender import Sender
from images.live.events import EventFrame
from images.live.handshake import reject_handshake
from images.live.hub import hub
from images.live.protocol import BadFrameError, Ping, Subscribe, Topics, connected_frame, parse, parse_id
from images.live.replay_queue import ReplayQueue, run_query
from images.live.replays import database_now
from images.live.subscriptions import Subscriptions
from images.observability.event_counters import websocket_clients
from images.serializers import change_cursor

logger = logging.getLogger(__name__)

# WebSocket close code "try again later". Sent to a client that reads too slowly, and when a database query fails.
TRY_AGAIN_LATER = 1013
# Time limit in seconds for sending the close frame.
CLOSE_TIMEOUT_SECONDS = 1.0


class LiveConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """Runs until the client disconnects or stops reading, or a database query fails.

    Subscribes to groups through `hub` and not through Channels, which would open a channel with an unbounded queue for
    every connection.
    """

    # An alias that CHANNEL_LAYERS does not have: Channels then opens no channel (docs/adr/0004).
    channel_layer_alias = "none"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hub = hub()
        self._sender = Sender(self.send)
        self._subscriptions = Subscriptions(narrowed=True)
        self._groups: set[str] = set()
        self._replays = ReplayQueue(self._sender)
        self._tasks = asyncio.TaskGroup()
        self._running: list[asyncio.Task[None]] = []
        self._accepted = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the consumer and the tasks that `connect` starts. When one of them ends, the others are cancelled."""
        websocket_clients().inc()
        try:
            async with self._tasks:
                await super().__call__(scope, receive, send)
                for task in self._running:
                    task.cancel()
        except* (TimeoutError, DatabaseError) as failures:
            await self._close_after(failures.exceptions[0])
        except* OSError:
            pass  # The ASGI server raises it when the client has disconnected.
        finally:
            websocket_clients().dec()
            self._sender.stop()
            for group in tuple(self._groups):
                await self._leave(group)

    async def dispatch(self, message: Message) -> None:
        """Calls the handler of the message's type.

        Replaces Channels' `dispatch`, which before each message closes old database connections on one thread shared by
        all WebSockets, and so waits for other work on that thread. This is not needed here: the consumer's queries run
        on other threads (see `replay_queue.run_query`).
        """
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        """Accepts the connection and starts its tasks.

        Subscribes first, and then reads the change cursor (the database time sent in the `connected` frame). Thus no
        change is missed: each change either arrives as a live event or is older than the cursor.
        """
        batch_ids = parse_qs(self.scope["query_string"].decode("latin-1")).get("batch", [])
        topics: list[Topics] = []
        bad_frame = None
        wanted = Subscriptions()
        try:
            topics = [Topics(batch_id=parse_id(batch_id, "batch")) for batch_id in batch_ids]
            for topic in topics:
                wanted = wanted.plus(topic)
        except BadFrameError as error:
            # After a bad batch id, subscribe to nothing. `Subscriptions()` without `narrowed=True` would mean all
            # batches.
            topics, bad_frame, wanted = [], error, Subscriptions(narrowed=True)
        await self._change_subscriptions(wanted)
        now = await run_query(database_now)
        await self.accept()
        self._accepted = True
        self._sender.send_first(connected_frame(change_cursor(now)))
        if bad_frame is not None:
            self._send_error(bad_frame)
        for work in (self._sender.write, self._replays.run):
            self._running.append(self._tasks.create_task(work()))
        for topic in topics:
            await self._replays.put(Subscribe(topic))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:  # noqa: ARG002
        """Handles a client's frame."""
        try:
            await self._handle(text_data)
        except BadFrameError as error:
            self._send_error(error)

    def on_events(self, group: str, events: list[EventFrame]) -> None:
        """Sends the events that the client subscribed to. The hub calls this with new events of a group."""
        if wanted := self._subscriptions.wanted(group, events):
            self._sender.send_events(wanted)

    def on_gap(self) -> None:
        """Asks the client to subscribe again. The hub calls this after a gap."""
        self._sender.request_resync("gap")

    async def _handle(self, text: str | None) -> None:
        request = parse(text)
        if isinstance(request, Ping):
            self._sender.send({"type": "pong"})
        elif isinstance(request, Subscribe):
            await self._change_subscriptions(self._subscriptions.plus(request.topics))
            if request.coalesce is not None:
                self._sender.set_coalescing(request.coalesce)
            await self._replays.put(request)
        else:
            await self._change_subscriptions(self._subscriptions.minus(request.topics))

    async def _change_subscriptions(self, wanted: Subscriptions) -> None:
        """Joins new groups before it leaves old ones, so that no event is missed in between."""
        self._subscriptions = wanted
        for group in wanted.groups - self._groups:
            self._groups.add(group)
            await self._hub.join(self, group)
        for group in self._groups - wanted.groups:
            await self._leave(group)

    async def _leave(self, group: str) -> None:
        await self._hub.leave(self, group)
        self._groups.discard(group)

    def _send_error(self, error: BadFrameError) -> None:
        self._sender.send({"type": "error", "code": "bad_frame", "error": str(error)})

    async def _close_after(self, failure: Exception) -> None:
        if isinstance(failure, DatabaseError):
            logger.warning("A database query for a WebSocket failed: %s", type(failure).__name__)
        if not self._accepted:
            await reject_handshake(self.base_send, self.scope, 503)
            return
        with suppress(OSError):
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await self.close(TRY_AGAIN_LATER)
