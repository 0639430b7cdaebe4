"""A pool of processes that decode for a web process, so that a time limit can kill a decode.

A progressive JPEG of 195 KB and 1,000 scans takes 13 s to decode; one of 50 MB takes hours. The processes import
`imaging` but not Django. Called by the synchronous upload and by `images.thumbnails`.
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

    Raises the ImagingErrors of `render_files`, and ProcessDied if it takes longer than RENDER_SECONDS.
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
    # Spawned, because a process forked from a multi-threaded one inherits locks that no thread will release.
    return ProcessPool(settings.RENDER_SLOTS, multiprocessing.get_context("spawn"))
