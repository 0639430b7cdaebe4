"""What to do about a child that died: start it again, and when, or give up. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class RestartPolicy:
    """A child may die `deaths_tolerated` times in `window_seconds`; each doubles the pause."""

    deaths_tolerated: int = 4
    window_seconds: float = 60.0
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 8.0


@dataclass(frozen=True)
class RestartAfter:
    seconds: float


@dataclass(frozen=True)
class GiveUp:
    deaths: int


def after_death(policy: RestartPolicy, deaths: Sequence[float], now: float) -> RestartAfter | GiveUp:
    """Decides on a child whose deaths, the present one included, happened at `deaths` (monotonic seconds)."""
    recent = sum(1 for moment in deaths if now - moment <= policy.window_seconds)
    if recent > policy.deaths_tolerated:
        return GiveUp(recent)
    pause = policy.first_pause_seconds * 2 ** max(0, recent - 1)
    return RestartAfter(min(pause, policy.longest_pause_seconds))
