"""Sends frames to one client: coalesces events if the client asked for it, and buffers frames until they are sent.

Used by `consumers` and `replay_queue`. Only `write` and `wait_until_buffer_low` wait; all other calls return
immediately.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Literal

from images.live.coalescing import WINDOW_SECONDS, Coalescer
from images.live.events import EventFrame
from images.live.protocol import Frame, encode, event_frames

# The connection of a client that reads nothing for this long is closed.
SEND_TIMEOUT_SECONDS = 30.0
# Limits of the buffer. The events of a batch of 1,000 images are 1,000 frames of about 1 KB each: half of MAX_BYTES.
MAX_FRAMES = 1000
MAX_BYTES = 2 * 2**20
# The next part of a replay is read when the buffer has fewer bytes than this: two frames of 64 KB.
LOW_BYTES = 128 * 1024


class SendBuffer:
    """A bounded buffer of frames to send, so that a client that does not read uses little memory.

    After `replace_all`, `put` accepts no frame until `take` has returned the replacement. Belongs to one event loop.
    """

    def __init__(self) -> None:
        self._texts: deque[tuple[str, int]] = deque()
        self._bytes = 0
        self._replacement: str | None = None
        self._has_frames = asyncio.Event()
        self._is_low = asyncio.Event()
        self._is_low.set()

    def put(self, text: str) -> bool:
        """Appends a frame. Returns False if the buffer is full or still contains a replacement."""
        byte_size = len(text.encode())
        if self._replacement or len(self._texts) >= MAX_FRAMES or self._bytes + byte_size > MAX_BYTES:
            return False
        self._texts.append((text, byte_size))
        self._update_size(byte_size)
        return True

    def put_first(self, text: str) -> None:
        """Inserts a frame before all others, without checking the limits."""
        byte_size = len(text.encode())
        self._texts.appendleft((text, byte_size))
        self._update_size(byte_size)

    def replace_all(self, text: str) -> bool:
        """Replaces all frames by `text`. Returns False if the buffer still contains an earlier replacement."""
        if self._replacement:
            return False
        self._texts.clear()
        self._replacement = text
        self._update_size(-self._bytes)
        self.put_first(text)
        return True

    async def take(self) -> str:
        """Waits for the next frame and removes it."""
        await self._has_frames.wait()
        text, byte_size = self._texts.popleft()
        if text is self._replacement:
            self._replacement = None
        self._update_size(-byte_size)
        return text

    async def wait_until_low(self) -> None:
        """Returns when less than LOW_BYTES are buffered."""
        await self._is_low.wait()

    def _update_size(self, added_bytes: int) -> None:
        self._bytes += added_bytes
        _set_or_clear(self._has_frames, bool(self._texts))
        _set_or_clear(self._is_low, self._bytes < LOW_BYTES)


def _set_or_clear(event: asyncio.Event, condition: bool) -> None:
    if condition:
        event.set()
    else:
        event.clear()


class Sender:
    """Sends frames through the buffer.

    `resync_count` is the number of resync frames so far. A replay that was requested before a resync frame must not be
    sent after it.
    """

    def __init__(self, send_text: Callable[[str], Awaitable[None]]) -> None:
        self._send_text = send_text
        self._buffer = SendBuffer()
        self._coalescer: Coalescer | None = None
        self._window_timer: asyncio.TimerHandle | None = None
        self.resync_count = 0

    def send(self, frame: Frame) -> None:
        self.send_encoded(encode(frame))

    def send_first(self, frame: Frame) -> None:
        """Sends `frame` before the events that are buffered already."""
        self._buffer.put_first(encode(frame))

    def send_encoded(self, text: str) -> None:
        """Sends an encoded frame. If the buffer does not accept it, drops it and asks the client to subscribe again."""
        if not self._buffer.put(text):
            self.request_resync("slow_client")

    def send_events(self, events: list[EventFrame]) -> None:
        """Sends live events. Coalesces them if the client asked for it."""
        if self._coalescer is None:
            self._send_all([event.text for event in events])
            return
        self._send_all(self._coalescer.add(events))
        if self._coalescer.is_open and self._window_timer is None:
            self._open_window()

    def send_replayed(self, events: list[EventFrame]) -> None:
        """Sends events that were read from the database, many in one frame if the client asked for coalescing."""
        self._send_all(event_frames(events, coalesce=self._coalescer is not None))

    def set_coalescing(self, wanted: bool) -> None:
        if wanted and self._coalescer is None:
            self._coalescer = Coalescer()
        elif not wanted and self._coalescer is not None:
            self._send_all(self._coalescer.end_window())
            self._coalescer = None

    def request_resync(self, reason: Literal["slow_client", "gap"]) -> None:
        """Drops all buffered frames and asks the client to subscribe again."""
        if self._buffer.replace_all(encode({"type": "resync", "reason": reason})):
            self.resync_count += 1
        if self._coalescer is not None:
            self._coalescer.drop()

    async def wait_until_buffer_low(self) -> None:
        """Returns when the buffer has room for the next part of a replay."""
        await self._buffer.wait_until_low()

    async def write(self) -> None:
        """Writes the buffered frames until the task is cancelled.

        Raises: TimeoutError when the client reads nothing for SEND_TIMEOUT_SECONDS, OSError when it has disconnected.
        """
        while True:
            text = await self._buffer.take()
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                await self._send_text(text)

    def stop(self) -> None:
        """Cancels the timer of the coalescing window."""
        if self._window_timer is not None:
            self._window_timer.cancel()

    def _send_all(self, texts: list[str]) -> None:
        for text in texts:
            self.send_encoded(text)

    def _open_window(self) -> None:
        self._window_timer = asyncio.get_running_loop().call_later(WINDOW_SECONDS, self._end_window)

    def _end_window(self) -> None:
        self._window_timer = None
        if self._coalescer is not None:
            self._send_all(self._coalescer.end_window())
            if self._coalescer.is_open:
                self._open_window()
