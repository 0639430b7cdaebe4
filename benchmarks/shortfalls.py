"""Reasons for missed targets: for each benchmark that has missed one, the measured cause of the difference.

Printed below the tables while a target is missed. Used by run.py and results.py.
"""

from __future__ import annotations

from collections.abc import Iterable

REASONS = {
    "batch": (
        "The seconds of 200 images are mostly their pixels: the bare floor takes a fifth of its seconds for 1,000 of "
        "them."
    ),
    "ingest": (
        "Django alone neither hashes (SHA-256: 0.65 ms of CPU a megabyte, a quarter of all it needs itself) nor judges "
        "headers, syncs to the disk, links, records or queues: 15 ms a request and 1 ms a file, and 2 to 3 ms a file "
        "where each is a task of its own."
    ),
    "live": (
        "100 listeners are sent 13,000 frames for 1,000 images, at 0.15 ms each in daphne; uvicorn took two thirds "
        "of its CPU for the same, measured once, and can be put in its place."
    ),
    "neighbours": (
        "The load, the workers and PostgreSQL share two cores with one web process, whose requests share one "
        "interpreter; idle, it has both cores for itself. In production each instance has two processes."
    ),
    "pregen": (
        "On S3, two thirds of the CPU are the pixels, a fifth is Python, a tenth the kernel, and both cores are busy; "
        "bare transfers have no pixels, and leave one core to the server. The shortest program that also makes the "
        "thumbnails, of boto3 and Pillow in two processes, is the row below it."
    ),
}


def reasons(missed: Iterable[str]) -> list[str]:
    """The sentences for the benchmarks in `missed`, in order."""
    return [f"Why {name} falls short: {REASONS[name]}" for name in sorted(set(missed)) if name in REASONS]
