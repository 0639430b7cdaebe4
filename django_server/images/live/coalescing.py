"""Coalesces events: a burst of events is sent in few frames. Pure.

The first event is sent immediately. It opens a window of WINDOW_SECONDS; the events of a window are sent together at
its end. So a single event is not delayed, and a batch of hundreds of images needs four frames a second instead of
hundreds.
`bounded_sender` runs the timer of the window.
"""

from dataclasses import dataclass, field

from images.live.events import EventFrame
from images.live.protocol import FRAME_IMAGES, FRAME_IMAGES_BYTES, event_frames

WINDOW_SECONDS = 0.25


@dataclass
class Coalescer:
    """Call `add` with new events. While `is_open`, call `end_window` every WINDOW_SECONDS."""

    is_open: bool = False
    _pending: list[EventFrame] = field(default_factory=list)
    _pending_bytes: int = 0

    def add(self, events: list[EventFrame]) -> list[str]:
        """The frames to send now. Opens the window if it was closed."""
        removed = {event.job_hex for event in events if event.kind == "removed"}
        if removed:
            # If an event of an image were sent after its removal, the image would reappear in a client that keeps no
            # list of removed images.
            self._add_pending([event for event in self._take_pending() if event.job_hex not in removed])
        frames = [event.text for event in events if event.kind == "removed"]
        images = [event for event in events if event.kind == "image" and event.job_hex not in removed]
        if not self.is_open and images:
            self.is_open = True
            return event_frames(images, coalesce=True) + frames
        for image in images:
            if (
                len(self._pending) >= FRAME_IMAGES
                or self._pending_bytes + image.byte_size > FRAME_IMAGES_BYTES
            ):
                frames += event_frames(self._take_pending(), coalesce=True)
            self._add_pending([image])
        if len(self._pending) >= FRAME_IMAGES:
            frames += event_frames(self._take_pending(), coalesce=True)
        return frames

    def end_window(self) -> list[str]:
        """The frames to send now. If there are any, the next window begins."""
        self.is_open = bool(self._pending)
        return event_frames(self._take_pending(), coalesce=True)

    def drop(self) -> None:
        """Drops the pending events. Called when the client is asked to subscribe again."""
        self._take_pending()

    def _add_pending(self, events: list[EventFrame]) -> None:
        self._pending += events
        self._pending_bytes += sum(event.byte_size for event in events)

    def _take_pending(self) -> list[EventFrame]:
        taken, self._pending, self._pending_bytes = self._pending, [], 0
        return taken
