"""Decoding in a web process's stead: a few processes that a time limit can kill.

(A 195 KB progressive JPEG of 1,000 scans decodes for 13 s, a 50 MB one for hours.) The processes import `imaging`
and nothing of Django.
"""

import multiprocessing
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from django.conf import settings

from imaging import Limits, OutputFormat, Rendering
from imaging.process_pool import ProcessPool
from imaging.render_files import render_files


def render_apart(
    source: Path,
    scales: Mapping[str, int],
    targets: Mapping[str, Path],
    quality: int,
    limits: Limits,
    output_format: OutputFormat = "JPEG",
) -> Rendering:
    """`imaging.render` from file to files in another process.

    Raises ImagingError as it does, and ProcessDied past RENDER_SECONDS.
    """
    return _processes().run(
        settings.RENDER_SECONDS,
        render_files,
        source,
        dict(scales),
        dict(targets),
        quality,
        limits,
        output_format,
    )


@cache
def _processes() -> ProcessPool:
    # Spawned, not forked: a fork of a process with threads inherits their locks as they happen to be.
    return ProcessPool(settings.RENDER_SLOTS, multiprocessing.get_context("spawn"))
