"""One WebSocket: an ASGI application that listens to its client and to the hub, and shows the client the database.

Routed by `images.live.routing`. The heartbeat is the server's: a protocol-level ping every 30 s, which any client
answers by itself, and the end 60 s after one that was not answered. A client's `ping` frame is answered, not needed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from django.db import DatabaseError

from images.live.events import Item
from images.live.handshake_refusal import refuse
from images.live.hub import hub
from images.live.protocol import BadFrameError, Ping, Subscribe, Topics, connected_frame, parse, parse_id
from images.live.replay_queue import ReplayQueue, read
from images.live.replays import database_now
from images.live.sender import Speaker
from images.live.subscriptions import Subscriptions
from images.observability.metrics import websocket_clients
from images.serializers import change_cursor

logger = logging.getLogger(__name__)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

# RFC 6455's registry: "try again later". For a client that is too slow, and for a database that is away.
TRY_AGAIN_LATER = 1013
CLOSE_SECONDS = 1.0


async def live_application(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application of /ws/upload/."""
    await receive()  # websocket.connect
    await Connection(scope, receive, send).run()


class Connection:
    """Accepts, says `connected`, and lives until the client leaves or sticks, or the database fails it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive, self._send = receive, send
        self._hub = hub()
        self._speaker = Speaker(send)
        self._subscriptions = Subscriptions(narrowed=True)
        self._groups: set[str] = set()
        self._replays = ReplayQueue(self._speaker)

    async def run(self) -> None:
        tasks: list[asyncio.Task[None]] = []
        websocket_clients().inc()
        try:
            await self._accept()
            tasks = [
                asyncio.create_task(work()) for work in (self._listen, self._speaker.write, self._replays.run)
            ]
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        except TimeoutError:
            await self._close_as_too_much()
        except OSError:
            pass  # ASGI's way to say that the client has left
        except DatabaseError as error:
            logger.warning("A WebSocket could not be shown the database: %s", type(error).__name__)
            await (self._close_as_too_much() if tasks else refuse(self._send, self._scope, 503))
        finally:
            websocket_clients().dec()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._speaker.stop()
            for group in tuple(self._groups):
                await self._leave(group)

    def hear(self, group: str, items: list[Item]) -> None:
        """News of a group; called by the hub."""
        if heard := self._subscriptions.heard(group, items):
            self._speaker.tell(heard)

    def missed_something(self) -> None:
        """The hub had a gap."""
        self._speaker.start_anew("gap")

    async def _accept(self) -> None:
        """Hears first and dates the cursor after: what is not heard is older than the cursor."""
        named = parse_qs(self._scope["query_string"].decode("latin-1")).get("batch", [])
        topics: list[Topics] = []
        complaint = None
        wanted = Subscriptions()
        try:
            topics = [Topics(batch_id=parse_id(one, "batch")) for one in named]
            for one in topics:
                wanted = wanted.plus(one)
        except BadFrameError as bad:
            # Hearing nothing is less wrong than hearing everything.
            topics, complaint, wanted = [], bad, Subscriptions(narrowed=True)
        await self._change_to(wanted)
        now = await read(database_now)
        await self._send({"type": "websocket.accept"})
        self._speaker.say_first(connected_frame(change_cursor(now)))
        if complaint is not None:
            self._complain(complaint)
        for one in topics:
            await self._replays.put(Subscribe(one))

    async def _listen(self) -> None:
        """Hears the client out. Returns when it has left."""
        while (event := await self._receive())["type"] == "websocket.receive":
            try:
                await self._answer(event.get("text"))
            except BadFrameError as bad:
                self._complain(bad)

    async def _answer(self, text: str | None) -> None:
        request = parse(text)
        if isinstance(request, Ping):
            self._speaker.say({"type": "pong"})
        elif isinstance(request, Subscribe):
            await self._change_to(self._subscriptions.plus(request.topics))
            if request.coalesce is not None:
                self._speaker.coalesce(request.coalesce)
            await self._replays.put(request)
        else:
            await self._change_to(self._subscriptions.minus(request.topics))

    async def _change_to(self, wanted: Subscriptions) -> None:
        """Joins what is new before it leaves what is old: nothing falls between."""
        self._subscriptions = wanted
        for group in wanted.groups - self._groups:
            self._groups.add(group)
            await self._hub.join(self, group)
        for group in self._groups - wanted.groups:
            await self._leave(group)

    async def _leave(self, group: str) -> None:
        await self._hub.leave(self, group)
        self._groups.discard(group)

    def _complain(self, bad: BadFrameError) -> None:
        self._speaker.say({"type": "error", "code": "bad_frame", "error": str(bad)})

    async def _close_as_too_much(self) -> None:
        with suppress(OSError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._send({"type": "websocket.close", "code": TRY_AGAIN_LATER})
