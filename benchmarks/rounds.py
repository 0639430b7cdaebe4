"""How often a repetition is done, so that its median says something and all of `make bench` stays under half an hour.

Used by the benchmarks whose repetitions take long.
"""

from __future__ import annotations

import os

_SHORT_SECONDS = 15.0


def rounds_of(seconds: float) -> int:
    """Five where a repetition takes about so many seconds and that is short, else three; with FULL=1 always five."""
    return 5 if seconds < _SHORT_SECONDS or os.environ.get("FULL") == "1" else 3
