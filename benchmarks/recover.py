"""Time until all of two hundred images are final after their worker was killed: the `recover` rows.

    python benchmarks/run.py recover

Each round has two batches of the same images: one without a fault, as the baseline, and one during which the whole
worker is killed with SIGKILL. The lease is shorter than the default to keep a round short.
"""

from __future__ import annotations

import os
import platform
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from results import Row, at_most, exactly, reported
from rounds import rounds_of
from sites import SiteOnServers, site_on_servers

sys.path.append(str(Path(__file__).resolve().parent.parent / "django_server"))

from tests.support.processes.process_tree import eventually
from tests.support.sites.fault_site import CHUNK, IMAGES, BatchUnderFault

LEASE_SECONDS, RENDER_SECONDS, SWEEP_SECONDS = 10, 8, 3
SLACK_SECONDS = 5
PROCESSES = 2
_PATIENCE_SECONDS = 180.0
_REPETITION_SECONDS = 2 * 10 + LEASE_SECONDS + SWEEP_SECONDS


@dataclass(frozen=True)
class Recovery:
    """One batch, from the moment when some of its images are final. `again`: images claimed more than once.

    `claimed_seconds`: until none of the claims of that moment was left.
    """

    seconds: float
    claimed_seconds: float
    lost: int
    again: int


def measure() -> tuple[list[Row], str]:
    """The rows, and a sentence on the conditions of the measurement."""
    settings = {
        "LEASE_SECONDS": str(LEASE_SECONDS),
        "RENDER_SECONDS": str(RENDER_SECONDS),
        "SWEEP_SECONDS": str(SWEEP_SECONDS),
        "WORKER_PROCESSES": str(PROCESSES),
    }
    alone: list[Recovery] = []
    killed: list[Recovery] = []
    with site_on_servers(settings) as running:
        for _ in range(rounds_of(_REPETITION_SECONDS)):
            alone.append(_batch(running, kill=False))
            killed.append(_batch(running, kill=True))
    return _rows(alone, killed), (
        f"Batches of {IMAGES} JPEGs of a megapixel on PostgreSQL and Redis, the whole worker of {PROCESSES} processes "
        f"killed once {CHUNK} are final; LEASE_SECONDS={LEASE_SECONDS}, SWEEP_SECONDS={SWEEP_SECONDS}. Wall time, "
        "medians; batches without and with a kill in turn. "
        f"Python {platform.python_version()}, {platform.machine()}."
    )


def _batch(running: SiteOnServers, *, kill: bool) -> Recovery:
    with running.partly_processed_batch() as batch:
        worker, claims = running.worker, batch.claims()
        started = time.monotonic()
        if kill:
            os.kill(worker, signal.SIGKILL)
            batch.require_partly_processed()
        claimed_seconds = batch.free_seconds(claims, started)
        _until_final(batch)
        seconds = time.monotonic() - started
        jobs = batch.jobs().values()
    lost = IMAGES - sum(job.status == "completed" for job in jobs)
    return Recovery(seconds, claimed_seconds, lost, sum(job.attempts > 1 for job in jobs))


def _until_final(batch: BatchUnderFault) -> None:
    """Returns when all are final, or after a time limit: images that are not final then count as lost."""
    eventually(lambda: batch.final_count() == IMAGES, _PATIENCE_SECONDS)


def _rows(alone: list[Recovery], killed: list[Recovery]) -> list[Row]:
    work, whole = (median(one.seconds for one in some) for some in (alone, killed))
    claimed = max(one.claimed_seconds for one in killed)
    limit_seconds = LEASE_SECONDS + SWEEP_SECONDS + SLACK_SECONDS
    sum_ = f" (lease {LEASE_SECONDS}, sweep {SWEEP_SECONDS}, {SLACK_SECONDS})"
    final = "from kill -9 of the worker until all are final, minus the time without a kill"
    freed = "from kill -9 until no image is claimed by the killed worker, at most"
    return [
        at_most("recover", final, whole - work, limit_seconds, "s", sum_),
        at_most("recover", freed, claimed, limit_seconds, "s", sum_),
        exactly("recover", f"images lost, of {len(killed)} x {IMAGES}", sum(one.lost for one in killed), 0),
        at_most(
            "recover", "images claimed again, at most", max(one.again for one in killed), CHUNK, "images"
        ),
        reported("recover", "images claimed again without a kill", sum(one.again for one in alone), "images"),
        reported("recover", "the same batch without a kill, from the same moment on", work, "s"),
    ]
