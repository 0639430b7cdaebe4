"""Asking a server the same few things over and over, as a neighbour of what else it does: how long each answer takes.

Used by neighbours.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import httpx
from load_report import nearest_rank

PAUSE_SECONDS = 0.01


def p95_of(url: str, paths: Sequence[str], goes_on: Callable[[], bool]) -> Mapping[str, float]:
    """path -> the 95th percentile in seconds of its answers, asked in turn on one connection while `goes_on`.

    Raises RuntimeError where one is not answered with 200.
    """
    seconds: dict[str, list[float]] = {path: [] for path in paths}
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        while goes_on() or not all(seconds.values()):
            for path, took in seconds.items():
                started = time.perf_counter()
                answer = client.get(path)
                took.append(time.perf_counter() - started)
                if answer.status_code != 200:
                    raise RuntimeError(f"{path} was answered {answer.status_code}.")
                time.sleep(PAUSE_SECONDS)
    return {path: nearest_rank(sorted(took), 95) for path, took in seconds.items()}
