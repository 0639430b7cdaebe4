"""Whether and when to restart a child process that exited. Pure; called by the supervisor."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class RestartPolicy:
    """A process is restarted after up to `exits_tolerated` exits within `window_seconds`.

    Each exit doubles the pause.
    """

    exits_tolerated: int = 4
    window_seconds: float = 60.0
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 8.0


@dataclass(frozen=True)
class RestartAfter:
    """Restart the process after a pause of `seconds`."""

    seconds: float


@dataclass(frozen=True)
class GiveUp:
    """Do not restart the process: it has exited `exits` times within the window."""

    exits: int


def decide_restart(policy: RestartPolicy, exits: Sequence[float], now: float) -> RestartAfter | GiveUp:
    """`exits`: the times of the exits of one process (monotonic seconds), including the present exit."""
    recent = sum(1 for moment in exits if now - moment <= policy.window_seconds)
    if recent > policy.exits_tolerated:
        return GiveUp(recent)
    pause = policy.first_pause_seconds * 2 ** max(0, recent - 1)
    return RestartAfter(min(pause, policy.longest_pause_seconds))
