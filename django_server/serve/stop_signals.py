"""Records the signals that stop the site; a second signal stops it without waiting. Read by the supervisor."""

import signal
import time
from types import FrameType

# One Ctrl+C may arrive twice within milliseconds: from the terminal, and forwarded by Make. A person who presses Ctrl+C
# again takes longer than this.
SAME_REQUEST_SECONDS = 0.3


class StopSignals:
    """Records SIGINT, SIGTERM and SIGHUP after `listen()` was called."""

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
