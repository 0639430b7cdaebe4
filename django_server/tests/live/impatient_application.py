"""The same with little patience: what a client that sticks for 30 s meets, without the 30 s."""

from images.consumers import speaker
from tests.live.application import application

__all__ = ["application"]

speaker.STUCK_SECONDS = 0.5
