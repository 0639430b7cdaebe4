"""A thousand images announced to one, a hundred and a thousand WebSocket clients: the `live` rows.

    python benchmarks/run.py live

The images are small, and are uploaded and processed on a site as in production: daphne serves the WebSocket. Each image
has three events (pending, processing, completed), and each client has to receive all of them. A delay is measured from
the start of the transaction that completes an image (a time in its frame), which is a little before the commit.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from uuid import uuid4

import httpx
from bodies import upload_of
from cpu import cpu_seconds
from instances import instance
from live_audience import audience
from load import allow_open_files
from load_report import nearest_rank
from load_requests import generated_pictures
from results import Row, at_most, exactly, point, reported
from rounds import rounds_of
from sites import site

sys.path.append(str(Path(__file__).resolve().parent.parent / "django_server"))

from tests.support.sites.running_site import RunningSite
from tests.support.stack.instance import Instance

IMAGES = 1000
_MEGAPIXELS = 0.003  # rendered in 2 ms, so that most of the cost is that of the events
STATUSES = ("pending", "processing", "completed")
# File descriptors, three per client: its socket, daphne's socket, and a reserve.
_OPEN_FILES = 4096
_PATIENCE_SECONDS = 120.0
_REPETITION_SECONDS = 60.0  # a round of all audiences


@dataclass(frozen=True)
class Case:
    """A group of WebSocket clients."""

    clients: int
    coalesce: bool

    def __str__(self) -> str:
        kind = "coalescing" if self.coalesce else "plain"
        return f"{self.clients:,} {kind} client{'s' if self.clients > 1 else ''}"


CASES = (Case(1, True), Case(100, True), Case(1000, True), Case(1, False), Case(100, False))
JUDGED = Case(100, True)


@dataclass(frozen=True)
class Delivery:
    """The result of one batch. `missing`: events that were not received."""

    cpu_seconds: float
    missing: int
    resyncs: int
    frames: int
    p95_seconds: float


def measure() -> tuple[list[Row], str]:
    """The rows, and a sentence on the conditions of the measurement."""
    allow_open_files(_OPEN_FILES)
    found: dict[Case, list[Delivery]] = {case: [] for case in CASES}
    with site() as running, _daphne(running) as live:
        asyncio.run(_delivery_of(running, live, JUDGED))  # warms up
        for number in range(rounds_of(_REPETITION_SECONDS)):
            for case in CASES:
                if not number or case == JUDGED:  # the others, whose times are not judged, once
                    found[case].append(asyncio.run(_delivery_of(running, live, case)))
    return _rows(found), (
        f"{IMAGES:,} JPEGs of {_MEGAPIXELS * 1e6:,.0f} pixels in one request, each really processed, with three "
        "events: pending, processing, completed. daphne serves the WebSocket, as in production; all clients are one "
        f"process on the same {os.cpu_count()} cores. CPU is daphne's, for all three. Medians of {len(found[JUDGED])} "
        f"for {JUDGED}, the others once. Python {platform.python_version()}, {platform.machine()}."
    )


def _daphne(running: RunningSite) -> AbstractContextManager[Instance]:
    """The service `live` of docker-compose.yml, on this site's servers."""
    arguments = (
        *("--bind", "127.0.0.1", "--verbosity", "0", "--ping-interval", "30", "--ping-timeout", "60"),
        *("--no-server-name", "config.asgi:application"),
    )
    environment = {**running.environment, "DJANGO_SETTINGS_MODULE": "config.settings"}
    return instance("live", "daphne", arguments, environment, running.data_dir)


async def _delivery_of(running: RunningSite, live: Instance, case: Case) -> Delivery:
    batch = str(uuid4())
    few = generated_pictures(_MEGAPIXELS, seed=1)
    pictures = [few[number % len(few)] for number in range(IMAGES)]
    url = f"ws://{live.address}/ws/upload/"
    async with (
        audience(url, batch, case.clients, coalesce=case.coalesce) as receivers,
        httpx.AsyncClient(base_url=running.url, timeout=_PATIENCE_SECONDS, trust_env=False) as client,
    ):
        before = cpu_seconds(live.pid)
        uploading = asyncio.create_task(client.send(upload_of(client, "batch", pictures, batch)))
        await receivers.receive(len(STATUSES) * IMAGES, _PATIENCE_SECONDS)
        spent = cpu_seconds(live.pid) - before
        (await uploading).raise_for_status()
    due = len(STATUSES) * IMAGES * case.clients
    delays = sorted(delay for one in receivers.listeners for delay in one.delays())
    return Delivery(
        cpu_seconds=spent,
        missing=due - sum(len(one.received) for one in receivers.listeners),
        resyncs=sum(one.resyncs for one in receivers.listeners),
        frames=sum(one.frames for one in receivers.listeners),
        p95_seconds=nearest_rank(delays, 95) if delays else float("inf"),
    )


def _rows(found: dict[Case, list[Delivery]]) -> list[Row]:
    rows = []
    for case, deliveries in found.items():
        cpu_ms = median(one.cpu_seconds for one in deliveries) / IMAGES * 1e3
        p95_ms = median(one.p95_seconds for one in deliveries) * 1e3
        due = len(STATUSES) * IMAGES * case.clients
        missing = max(one.missing for one in deliveries)
        resyncs = max(one.resyncs for one in deliveries)
        if case.coalesce:
            rows.append(exactly("live", f"{case}, events not received, of {due:,}", missing, 0))
        else:
            rows.append(reported("live", f"{case}, events not received, of {due:,}", missing, ""))
            rows.append(reported("live", f"{case}, resync messages", resyncs, ""))
        if case == JUDGED:
            rows.append(at_most("live", f"{case}, CPU per image", cpu_ms, 1.5, "ms"))
            rows.append(at_most("live", f"{case}, p95 from commit to frame", p95_ms, 500, "ms"))
        else:
            rows.append(reported("live", f"{case}, p95 from commit to frame", p95_ms, "ms"))
        frames = median(one.frames for one in deliveries) / case.clients
        rows.append(reported("live", f"{case}, frames each", frames, ""))
        kind = "coalescing" if case.coalesce else "plain"
        rows.append(
            point("live", f"CPU per image, number of {kind} clients: {{}}", case.clients, cpu_ms, "ms")
        )
    return rows
