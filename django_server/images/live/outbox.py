"""What waits to be sent on one connection, bounded, so that a client that does not read costs little.

Filled without waiting and emptied by one writing task, both of `speaker`. Belongs to one event loop.
"""

import asyncio
from collections import deque

# News of a batch of 1,000 images, one frame of about 1 KB each, and twice as much in bytes.
MOST_TEXTS = 1000
MOST_BYTES = 2 * 2**20
# More is read from the database when less than two frames of 64 KB are waiting.
LOW_BYTES = 128 * 1024


class Outbox:
    """After `replace_backlog` nothing more is taken in before its text is on its way."""

    def __init__(self) -> None:
        self._texts: deque[tuple[str, int]] = deque()
        self._bytes = 0
        self._closed_for: str | None = None
        self._filled = asyncio.Event()
        self._low = asyncio.Event()
        self._low.set()

    def put(self, text: str) -> bool:
        """True when taken in, False when there is no room for it."""
        byte_size = len(text.encode())
        if self._closed_for or len(self._texts) >= MOST_TEXTS or self._bytes + byte_size > MOST_BYTES:
            return False
        self._texts.append((text, byte_size))
        self._changed(byte_size)
        return True

    def put_first(self, text: str) -> None:
        """Ahead of all that waits, room or not."""
        byte_size = len(text.encode())
        self._texts.appendleft((text, byte_size))
        self._changed(byte_size)

    def replace_backlog(self, text: str) -> bool:
        """Drops all that waits for `text`. False when that was done already and has not been sent."""
        if self._closed_for:
            return False
        self._texts.clear()
        self._closed_for = text
        self._changed(-self._bytes)
        self.put_first(text)
        return True

    async def take(self) -> str:
        """The next text, once there is one."""
        await self._filled.wait()
        text, byte_size = self._texts.popleft()
        if text is self._closed_for:
            self._closed_for = None
        self._changed(-byte_size)
        return text

    async def until_low(self) -> None:
        """Returns when little waits."""
        await self._low.wait()

    def _changed(self, by_bytes: int) -> None:
        self._bytes += by_bytes
        _set_when(self._filled, bool(self._texts))
        _set_when(self._low, self._bytes < LOW_BYTES)


def _set_when(event: asyncio.Event, true: bool) -> None:
    if true:
        event.set()
    else:
        event.clear()
