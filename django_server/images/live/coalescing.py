"""When a burst of news becomes a frame: the first at once, the rest in windows. Pure: the caller owns the clock.

A lone image is not delayed, and a batch of hundreds costs four frames a second instead of hundreds.
"""

from dataclasses import dataclass, field

from images.live.events import Item
from images.live.protocol import FRAME_IMAGES, FRAME_IMAGES_BYTES, notification_frames

WINDOW_SECONDS = 0.25


@dataclass
class Coalescer:
    """Feed it with `add`; while `is_open`, call `end_of_window` WINDOW_SECONDS after it opened."""

    is_open: bool = False
    _held: list[Item] = field(default_factory=list)
    _held_bytes: int = 0

    def add(self, items: list[Item]) -> list[str]:
        """The frames to send now. Opens the window when it was closed."""
        gone = {item.job_hex for item in items if item.kind == "removed"}
        if gone:
            # Told after its removal, an image would rise again at a client that forgets what was removed.
            self._hold([item for item in self._take() if item.job_hex not in gone])
        frames = [item.text for item in items if item.kind == "removed"]
        images = [item for item in items if item.kind == "image" and item.job_hex not in gone]
        if not self.is_open and images:
            self.is_open = True
            return notification_frames(images, coalesce=True) + frames
        for item in images:
            if len(self._held) >= FRAME_IMAGES or self._held_bytes + item.byte_size > FRAME_IMAGES_BYTES:
                frames += notification_frames(self._take(), coalesce=True)
            self._hold([item])
        if len(self._held) >= FRAME_IMAGES:
            frames += notification_frames(self._take(), coalesce=True)
        return frames

    def end_of_window(self) -> list[str]:
        """The frames to send now. The window stays open for as long as there was something in it."""
        self.is_open = bool(self._held)
        return notification_frames(self._take(), coalesce=True)

    def forget(self) -> None:
        """Drops what is held, when the client is told to subscribe again."""
        self._take()

    def _hold(self, items: list[Item]) -> None:
        self._held += items
        self._held_bytes += sum(item.byte_size for item in items)

    def _take(self) -> list[Item]:
        taken, self._held, self._held_bytes = self._held, [], 0
        return taken
