"""Decoding in a web process's stead: a small pool of processes that a time-out can kill. A thread could not be.

(A 195 KB progressive JPEG of 1,000 scans decodes for 13 s, a 50 MB one for hours.) The processes import `imaging`
and nothing of Django.
"""

import multiprocessing
from collections.abc import Mapping
from concurrent.futures import TimeoutError as FutureTimeout
from functools import cache
from pathlib import Path

from django.conf import settings
from pebble import ProcessExpired, ProcessPool

from imaging import Limits, OutputFormat, Rendering
from imaging.files import render_files


class DecodingDied(Exception):
    """The process that decoded was killed, by its time-out or by the system."""


def render_apart(
    source: Path,
    scales: Mapping[str, int],
    targets: Mapping[str, Path],
    quality: int,
    limits: Limits,
    output_format: OutputFormat = "JPEG",
) -> Rendering:
    """`imaging.render` from file to files in another process.

    Raises ImagingError as it does, and DecodingDied past RENDER_SECONDS.
    """
    future = _pool().schedule(
        render_files,
        args=(source, dict(scales), dict(targets), quality, limits, output_format),
        timeout=settings.RENDER_SECONDS,
    )
    try:
        rendering: Rendering = future.result()
    except (FutureTimeout, ProcessExpired) as error:
        raise DecodingDied from error
    return rendering


@cache
def _pool() -> ProcessPool:
    # Spawned, not forked: a fork of a process with threads inherits their locks as they happen to be.
    return ProcessPool(max_workers=settings.RENDER_SLOTS, context=multiprocessing.get_context("spawn"))
