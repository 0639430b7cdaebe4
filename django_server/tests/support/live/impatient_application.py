"""The same with little patience: what a client that sticks for 30 s meets, without the 30 s."""

from images.live import sender
from tests.support.live.application import application

__all__ = ["application"]

sender.STUCK_SECONDS = 0.5
