"""A process that serves lists: the site's ASGI application on one database, called without a network.

Owns the process, its requests and their cost. Must not compare with targets. Used by list.py.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from cpu import reaped_cpu_seconds

SERVER_ROOT = Path(__file__).resolve().parent.parent / "django_server"
_ANSWER_SECONDS = 120.0
_REAP_SECONDS = 0.1


@dataclass(frozen=True)
class RequestSeries:
    """Requests for `targets` (path and query), one after another."""

    targets: tuple[str, ...]
    gzip: bool = False


@dataclass(frozen=True)
class Served:
    """Time in the serving process for a RequestSeries, and the length of the last body."""

    cpu_seconds: float
    wall_seconds: float
    body_bytes: int


@dataclass(frozen=True)
class Cost:
    """The same, with the CPU time of PostgreSQL."""

    serving_seconds: float
    postgres_seconds: float
    wall_seconds: float
    body_bytes: int

    @property
    def both_seconds(self) -> float:
        return self.serving_seconds + self.postgres_seconds


def cost_of(serving: Serving, series: RequestSeries, postgres_pid: int) -> Cost:
    """Send the requests and measure. Each has a connection, whose process PostgreSQL reaps when it is closed."""
    before = reaped_cpu_seconds(postgres_pid)
    served = serving.serve(series)
    time.sleep(_REAP_SECONDS)
    postgres_seconds = reaped_cpu_seconds(postgres_pid) - before
    return Cost(served.cpu_seconds, postgres_seconds, served.wall_seconds, served.body_bytes)


class Serving:
    """One serving process. `stop` ends it."""

    def __init__(self, database_url: str, data_dir: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, child_end = context.Pipe()
        self._process = context.Process(
            target=serve, args=(child_end, database_url, str(data_dir)), daemon=True
        )
        self._process.start()

    def serve(self, series: RequestSeries) -> Served:
        self._pipe.send(series)
        if not self._pipe.poll(_ANSWER_SECONDS):
            raise RuntimeError(f"No answer to {series.targets[0]} in {_ANSWER_SECONDS:.0f} s.")
        answer: Served = self._pipe.recv()
        return answer

    def stop(self) -> None:
        self._pipe.send(None)
        self._process.join()


def serve(pipe: Connection, database_url: str, data_dir: str) -> None:
    """The loop of the serving process."""
    os.environ |= {
        "DATABASE_URL": database_url,
        "DATA_DIR": data_dir,
        "SECRET_KEY": "for benchmarks only",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "REDIS_URL": "redis://127.0.0.1:1",  # lists do not use it
        # The site's limit is 3 s; here the full duration is measured.
        "STATEMENT_SECONDS": "60",
    }
    sys.path.insert(0, str(SERVER_ROOT))
    from config import settings

    settings.ROOT_URLCONF = "list_drf"
    from config.asgi import application

    with asyncio.Runner() as runner:
        while (series := pipe.recv()) is not None:
            pipe.send(runner.run(_serve(application, series)))


async def _serve(application: Any, series: RequestSeries) -> Served:
    cpu, wall = time.process_time(), time.perf_counter()
    messages: list[dict[str, Any]] = []
    for target in series.targets:
        messages = await _request(application, target, gzip=series.gzip)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if messages[0]["status"] != 200:
        raise RuntimeError(f"{series.targets[-1]} was answered {messages[0]['status']}.")
    return Served(cpu, wall, sum(len(message.get("body", b"")) for message in messages[1:]))


async def _request(application: Any, target: str, *, gzip: bool) -> list[dict[str, Any]]:
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"localhost"), *([(b"accept-encoding", b"gzip")] if gzip else [])],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
    }
    arriving = [{"type": "http.request", "body": b"", "more_body": False}]
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not arriving:
            await asyncio.Event().wait()  # the client stays connected until the response
        return arriving.pop()

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await application(scope, receive, send)
    return messages
