"""The number of repetitions: enough for a median, and few enough that `make bench` takes under half an hour.

Used by the benchmarks whose repetitions take long.
"""

from __future__ import annotations

import os

_SHORT_SECONDS = 15.0


def rounds_of(seconds: float) -> int:
    """Five repetitions if one takes less than 15 s, otherwise three. With FULL=1 always five."""
    return 5 if seconds < _SHORT_SECONDS or os.environ.get("FULL") == "1" else 3
