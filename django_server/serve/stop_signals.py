"""Whether somebody asked the site to stop, and whether they are in a hurry. Read by the supervisor."""

import signal
import time
from types import FrameType

# Make passes on the signal its whole group got: two at once are one wish. A person takes longer.
SAME_WISH_SECONDS = 0.3


class StopSignals:
    """Remembers SIGINT, SIGTERM and SIGHUP from `listen()` on."""

    def __init__(self) -> None:
        self._arrivals: list[float] = []

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._remember)

    @property
    def asked(self) -> bool:
        return bool(self._arrivals)

    @property
    def in_a_hurry(self) -> bool:
        """True from the second Ctrl+C on."""
        return asked_again(self._arrivals)

    def _remember(self, _number: int, _frame: FrameType | None) -> None:
        self._arrivals.append(time.monotonic())


def asked_again(arrivals: list[float]) -> bool:
    """Whether a signal came clearly after the first one (monotonic seconds, in order)."""
    return len(arrivals) > 1 and arrivals[-1] - arrivals[0] >= SAME_WISH_SECONDS
