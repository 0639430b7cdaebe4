"""Joins a burst of events into few frames: the first event immediately, the others in windows. Pure.

A single image is not delayed, and a batch of hundreds costs four frames a second instead of hundreds. `sender` owns
the clock.
"""

from dataclasses import dataclass, field

from images.live.events import EventFrame
from images.live.protocol import FRAME_IMAGES, FRAME_IMAGES_BYTES, event_frames

WINDOW_SECONDS = 0.25


@dataclass
class Coalescer:
    """Call `add` with each event; while `is_open`, call `end_window` WINDOW_SECONDS after it opened."""

    is_open: bool = False
    _waiting: list[EventFrame] = field(default_factory=list)
    _waiting_bytes: int = 0

    def add(self, events: list[EventFrame]) -> list[str]:
        """The frames to send now. Opens the window if it was closed."""
        removed = {event.job_hex for event in events if event.kind == "removed"}
        if removed:
            # Sent after its removal, an image would reappear at a client that keeps no list of removed images.
            self._keep([event for event in self._take() if event.job_hex not in removed])
        frames = [event.text for event in events if event.kind == "removed"]
        images = [event for event in events if event.kind == "image" and event.job_hex not in removed]
        if not self.is_open and images:
            self.is_open = True
            return event_frames(images, coalesce=True) + frames
        for image in images:
            if (
                len(self._waiting) >= FRAME_IMAGES
                or self._waiting_bytes + image.byte_size > FRAME_IMAGES_BYTES
            ):
                frames += event_frames(self._take(), coalesce=True)
            self._keep([image])
        if len(self._waiting) >= FRAME_IMAGES:
            frames += event_frames(self._take(), coalesce=True)
        return frames

    def end_window(self) -> list[str]:
        """The frames to send now. The window stays open if it had any."""
        self.is_open = bool(self._waiting)
        return event_frames(self._take(), coalesce=True)

    def drop(self) -> None:
        """Drops the waiting events, when the client is asked to subscribe again."""
        self._take()

    def _keep(self, events: list[EventFrame]) -> None:
        self._waiting += events
        self._waiting_bytes += sum(event.byte_size for event in events)

    def _take(self) -> list[EventFrame]:
        taken, self._waiting, self._waiting_bytes = self._waiting, [], 0
        return taken
