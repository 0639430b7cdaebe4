"""Many WebSocket clients in one process that subscribe to the same batch; records what each receives, and when.

Owns the clients. Must not compare with targets. Used by live.py.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

_CONNECTING = 50  # at a time
_SUBSCRIBED_SECONDS = 120.0

Message = tuple[str, str]  # an image's id and its new status


@dataclass(frozen=True)
class Frame:
    """`finished`: the moments at which its completed images finished, in seconds since the epoch."""

    type: str
    messages: frozenset[Message]
    finished: tuple[float, ...]


@lru_cache(maxsize=4096)
def read(text: str) -> Frame:
    """The parsed frame. Cached, because a hundred clients get the same text and share the cores with the site."""
    frame = orjson.loads(text)
    images = [one for one in frame.get("images", [frame]) if "job_id" in one]
    finished = tuple(
        datetime.fromisoformat(one["finished_at"]).timestamp()
        for one in images
        if one["status"] == "completed"
    )
    return Frame(frame["type"], frozenset((one["job_id"], one["status"]) for one in images), finished)


@dataclass
class Listener:
    """One client. It counts live events only, not the snapshot."""

    received: set[Message] = field(default_factory=set)
    arrived: list[tuple[float, Frame]] = field(default_factory=list)
    resyncs: int = 0
    frames: int = 0

    async def listen(self, socket: ClientConnection, due: int) -> None:
        """Returns when all expected events have been received, or the connection was closed."""
        try:
            while len(self.received) < due:
                text = await socket.recv(decode=True)
                now = time.time()
                frame = read(text)
                if frame.type == "resync":
                    self.resyncs += 1
                elif frame.type.startswith("send_upload_notification"):
                    self.frames += 1
                    self.received |= frame.messages
                    self.arrived.append((now, frame))
        except ConnectionClosed:
            return

    def delays(self) -> list[float]:
        """Seconds from the end of each image to its frame."""
        return [now - moment for now, frame in self.arrived for moment in frame.finished]


@dataclass(frozen=True)
class Audience:
    """Clients that are subscribed."""

    listeners: list[Listener]
    sockets: list[ClientConnection]

    async def receive(self, due: int, seconds: float) -> None:
        """Returns when each client has received that number of events, or after the time limit."""
        listening = [
            asyncio.create_task(one.listen(socket, due))
            for one, socket in zip(self.listeners, self.sockets, strict=True)
        ]
        _, late = await asyncio.wait(listening, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


@asynccontextmanager
async def audience(url: str, batch: str, clients: int, *, coalesce: bool) -> AsyncIterator[Audience]:
    """Connected clients, each with the snapshot of the batch."""
    few = asyncio.Semaphore(_CONNECTING)
    subscribe = orjson.dumps({"type": "subscribe", "batch_id": batch, "coalesce": coalesce}).decode()

    async def subscribed_socket() -> ClientConnection:
        async with few:
            socket = await connect(url, proxy=None, compression=None, ping_interval=None)
            await socket.send(subscribe)
            while orjson.loads(await socket.recv())["type"] != "snapshot":
                pass
            return socket

    async with asyncio.timeout(_SUBSCRIBED_SECONDS):
        sockets = await asyncio.gather(*(subscribed_socket() for _ in range(clients)))
    try:
        yield Audience([Listener() for _ in sockets], list(sockets))
    finally:
        for socket in sockets:
            socket.transport.abort()
        await asyncio.sleep(0)
