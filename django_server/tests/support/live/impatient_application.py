"""The same application with a short SEND_TIMEOUT_SECONDS, so that tests need not wait 30 s."""

from images.live import bounded_sender
from tests.support.live.application import application

__all__ = ["application"]

bounded_sender.SEND_TIMEOUT_SECONDS = 0.5
