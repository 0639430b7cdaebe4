"""A client that follows the WebSocket contract: merges, reconnects, and subscribes again after a resync."""

import asyncio
import json
import random
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.support.live.merging import MergedView

DISCONNECTED = (OSError, TimeoutError, WebSocketException)


class LiveClient:
    """Follows one batch in coalesced frames, or all events one by one with a replay after each reconnection."""

    def __init__(self, url: str, batch: str, *, coalesce: bool) -> None:
        self.view = MergedView()
        self.connections = 0
        self.resyncs = 0
        self.subscribed = asyncio.Event()
        self._url = url
        self._batch = batch
        self._coalesce = coalesce
        self._cursor = ""

    async def run(self) -> None:
        """Runs until it is cancelled."""
        while True:
            try:
                async with connect(self._url, proxy=None, compression=None, ping_interval=None) as socket:
                    self.connections += 1
                    await self._read(socket)
            except DISCONNECTED:
                pass
            await asyncio.sleep(random.uniform(0.1, 0.6))

    async def _read(self, socket: ClientConnection) -> None:
        async for text in socket:
            frame = json.loads(text)
            self.view.take(frame)
            if frame["type"] == "connected" and (self._coalesce or self._cursor):
                await self._subscribe(socket)
            elif frame["type"] == "resync":
                self.resyncs += 1
                await self._subscribe(socket)
            self._cursor = frame.get("cursor", self._cursor)
            if frame["type"] == ("snapshot" if self._coalesce else "connected"):
                self.subscribed.set()

    async def _subscribe(self, socket: ClientConnection) -> None:
        wanted: dict[str, Any] = {"type": "subscribe"}
        if self._coalesce:
            wanted |= {"batch_id": self._batch, "coalesce": True}
        else:
            wanted |= {"all": True, "since": self._cursor}
        await socket.send(json.dumps(wanted))
