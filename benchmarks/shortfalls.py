"""Reasons for missed targets: for each benchmark that has missed one, the measured cause of the difference.

Printed below the tables while a target is missed. Used by run.py and results.py.
"""

from __future__ import annotations

from collections.abc import Iterable

REASONS = {
    "batch": (
        "Most of the time for 200 images is rendering: the bare floor takes a fifth of its time for 1,000 images."
    ),
    "ingest": (
        "Django alone does not hash (SHA-256: 0.65 ms of CPU a megabyte, a quarter of its own CPU), check headers, "
        "sync to the disk, link, record or queue. These take 15 ms a request and 1 ms a file, or 2 to 3 ms a file with "
        "a task for each."
    ),
    "live": (
        "100 listeners are sent 13,000 frames for 1,000 images, at 0.15 ms each in daphne; uvicorn took two thirds "
        "of its CPU for the same, measured once, and can replace it."
    ),
    "neighbours": (
        "The load, the workers and PostgreSQL share two cores with one web process, whose requests share one "
        "interpreter; idle, it has both cores for itself. In production each instance has two processes."
    ),
    "pregen": (
        "On S3, two thirds of the CPU time are rendering, a fifth is Python, a tenth the kernel, and both cores are "
        "busy; bare transfers render nothing, and leave one core to the server. The row below it is the shortest "
        "program that also generates the thumbnails: boto3 and Pillow in two processes."
    ),
}


def reasons(missed: Iterable[str]) -> list[str]:
    """The sentences for the benchmarks in `missed`, in order."""
    return [f"Why {name} falls short: {REASONS[name]}" for name in sorted(set(missed)) if name in REASONS]
