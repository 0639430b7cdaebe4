"""Whether the site was signalled to stop, and whether a second signal asks to stop without waiting.

Read by the supervisor.
"""

import signal
import time
from types import FrameType

# Make forwards the signal that its process group has received already, so one Ctrl+C may arrive twice within
# milliseconds. A person who presses Ctrl+C again takes longer than this.
SAME_REQUEST_SECONDS = 0.3


class StopSignals:
    """Records SIGINT, SIGTERM and SIGHUP from `listen()` on."""

    def __init__(self) -> None:
        self._arrivals: list[float] = []

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._record)

    @property
    def stop_requested(self) -> bool:
        return bool(self._arrivals)

    @property
    def force_requested(self) -> bool:
        """True from the second Ctrl+C on."""
        return is_repeated_request(self._arrivals)

    def _record(self, _number: int, _frame: FrameType | None) -> None:
        self._arrivals.append(time.monotonic())


def is_repeated_request(arrivals: list[float]) -> bool:
    """Whether a signal arrived clearly later than the first one. `arrivals`: monotonic seconds, ascending."""
    return len(arrivals) > 1 and arrivals[-1] - arrivals[0] >= SAME_REQUEST_SECONDS
