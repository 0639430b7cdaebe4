"""A pool of processes that decode for a web process, so that a time limit can kill a decode.

A 195 KB progressive JPEG of 1,000 scans decodes for 13 s, one of 50 MB for hours. The processes import `imaging` and
nothing of Django. Called by the synchronous upload and by `images.thumbnails`.
"""

import multiprocessing
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from django.conf import settings

from imaging import Limits, OutputFormat, Rendering
from imaging.process_pool import ProcessPool
from imaging.render_files import render_files


def render_in_process_pool(
    source: Path,
    scales: Mapping[str, int],
    targets: Mapping[str, Path],
    quality: int,
    limits: Limits,
    output_format: OutputFormat = "JPEG",
) -> Rendering:
    """`render_files` in a process of the pool. Scales are in pixels.

    Raises its ImagingErrors, and ProcessDied after RENDER_SECONDS.
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
    # Spawned, not forked: the fork of a multi-threaded process inherits locks that no thread will release.
    return ProcessPool(settings.RENDER_SLOTS, multiprocessing.get_context("spawn"))
