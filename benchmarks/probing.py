"""Measures the latency of a few requests, repeated while the server handles other load.

Used by neighbours.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

PAUSE_SECONDS = 0.02


def answer_seconds(
    url: str, paths: Sequence[str], keep_going: Callable[[], bool]
) -> Mapping[str, Sequence[float]]:
    """path -> latencies in seconds. Each path has its own connection and is requested at least once.

    Requests are repeated while `keep_going()`. Raises RuntimeError on a status other than 200.
    """

    def measure(path: str) -> list[float]:
        seconds: list[float] = []
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            while keep_going() or not seconds:
                started = time.perf_counter()
                answer = client.get(path)
                seconds.append(time.perf_counter() - started)
                if answer.status_code != 200:
                    raise RuntimeError(f"{path} was answered {answer.status_code}.")
                time.sleep(PAUSE_SECONDS)
        return seconds

    with ThreadPoolExecutor(len(paths)) as pool:
        return dict(zip(paths, pool.map(measure, paths), strict=True))
