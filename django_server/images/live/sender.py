"""What one connection is told: news shaped the way its client wants it, through the bounded outbox, onto the socket.

Used by `connection` alone. Saying never waits; only `write` does, for its own client.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from images.live.coalescing import WINDOW_SECONDS, Coalescer
from images.live.events import Item
from images.live.outbox import Outbox
from images.live.protocol import Frame, encode, notification_frames

Send = Callable[[dict[str, Any]], Awaitable[None]]

# A client that takes nothing for so long is not merely slow.
STUCK_SECONDS = 30.0


class Speaker:
    """`losses` counts how often this client was told to start anew: what was begun before is worth nothing after."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._outbox = Outbox()
        self._coalescer: Coalescer | None = None
        self._window: asyncio.TimerHandle | None = None
        self.losses = 0

    def say(self, frame: Frame) -> None:
        self.say_text(encode(frame))

    def say_first(self, frame: Frame) -> None:
        """Ahead of news that came before this."""
        self._outbox.put_first(encode(frame))

    def say_text(self, text: str) -> None:
        """A frame that is encoded already. Dropped when the client is about to start anew."""
        if not self._outbox.put(text):
            self.start_anew("slow_client")

    def tell(self, items: list[Item]) -> None:
        """News of images as it happens: in a burst joined into few frames, when the client coalesces."""
        if self._coalescer is None:
            self._say_all([item.text for item in items])
            return
        self._say_all(self._coalescer.add(items))
        if self._coalescer.is_open and self._window is None:
            self._open_window()

    def tell_again(self, items: list[Item]) -> None:
        """News of images out of the database, as dense as frames go."""
        self._say_all(notification_frames(items, coalesce=self._coalescer is not None))

    def coalesce(self, wanted: bool) -> None:
        if wanted and self._coalescer is None:
            self._coalescer = Coalescer()
        elif not wanted and self._coalescer is not None:
            self._say_all(self._coalescer.end_of_window())
            self._coalescer = None

    def start_anew(self, reason: Literal["slow_client", "gap"]) -> None:
        """Drops all that waits and tells the client to subscribe again."""
        if self._outbox.replace_backlog(encode({"type": "resync", "reason": reason})):
            self.losses += 1
        if self._coalescer is not None:
            self._coalescer.forget()

    async def until_little_waits(self) -> None:
        """Returns when it is worth reading more from the database."""
        await self._outbox.until_low()

    async def write(self) -> None:
        """Sends what is said, for ever.

        Raises: TimeoutError when the client takes nothing, OSError when it is gone.
        """
        while True:
            text = await self._outbox.take()
            async with asyncio.timeout(STUCK_SECONDS):
                await self._send({"type": "websocket.send", "text": text})

    def stop(self) -> None:
        if self._window is not None:
            self._window.cancel()

    def _say_all(self, texts: list[str]) -> None:
        for text in texts:
            self.say_text(text)

    def _open_window(self) -> None:
        self._window = asyncio.get_running_loop().call_later(WINDOW_SECONDS, self._end_window)

    def _end_window(self) -> None:
        self._window = None
        if self._coalescer is not None:
            self._say_all(self._coalescer.end_of_window())
            if self._coalescer.is_open:
                self._open_window()
