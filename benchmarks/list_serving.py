"""A process that serves lists: the site's own ASGI application on one database, asked without a network in between.

Owns the process and what a request of it is. Must not judge. Used by list.py.
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

SERVER_ROOT = Path(__file__).resolve().parent.parent / "django_server"
_ANSWER_SECONDS = 120.0


@dataclass(frozen=True)
class Ask:
    """Requests for these targets (path and query), one after another."""

    targets: tuple[str, ...]
    gzip: bool = False


@dataclass(frozen=True)
class Served:
    """What they took in the serving process, and the last answer. `link`: the header of that name."""

    cpu_seconds: float
    wall_seconds: float
    status: int
    body_bytes: int
    link: str


class Serving:
    """One such process. Ends with `stop`."""

    def __init__(self, database_url: str, data_dir: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe()
        self._process = context.Process(target=serve, args=(there, database_url, str(data_dir)), daemon=True)
        self._process.start()

    def ask(self, ask: Ask) -> Served:
        self._pipe.send(ask)
        if not self._pipe.poll(_ANSWER_SECONDS):
            raise RuntimeError(f"No answer to {ask.targets[0]} in {_ANSWER_SECONDS:.0f} s.")
        answer: Served = self._pipe.recv()
        return answer

    def stop(self) -> None:
        self._pipe.send(None)
        self._process.join()


def serve(pipe: Connection, database_url: str, data_dir: str) -> None:
    """The loop of the process."""
    os.environ |= {
        "DATABASE_URL": database_url,
        "DATA_DIR": data_dir,
        "SECRET_KEY": "for benchmarks only",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "REDIS_URL": "redis://127.0.0.1:1",  # lists ask none
    }
    sys.path.insert(0, str(SERVER_ROOT))
    from config import settings

    settings.ROOT_URLCONF = "list_drf"
    from config.asgi import application

    with asyncio.Runner() as runner:
        while (ask := pipe.recv()) is not None:
            pipe.send(runner.run(_serve(application, ask)))


async def _serve(application: Any, ask: Ask) -> Served:
    cpu, wall = time.process_time(), time.perf_counter()
    messages: list[dict[str, Any]] = []
    for target in ask.targets:
        messages = await _request(application, target, gzip=ask.gzip)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    headers = dict(messages[0]["headers"])
    body = sum(len(message.get("body", b"")) for message in messages[1:])
    return Served(cpu, wall, messages[0]["status"], body, headers.get(b"Link", b"").decode())


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
            await asyncio.Event().wait()  # the client stays until it is answered
        return arriving.pop()

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await application(scope, receive, send)
    return messages
