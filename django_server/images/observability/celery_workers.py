"""The running Celery workers: their processes, queues and current tasks. For the administrators' status page.

Asks the workers with Celery's inspect broadcast. A worker that does not reply within a second is left out.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

# Time limit for the replies. A worker's main process replies even while its pool processes are busy.
_REPLY_SECONDS = 1.0


@dataclass(frozen=True)
class RunningTask:
    """A task that a pool process executes now. `images`: the number of its images. `seconds`: since it started."""

    name: str
    images: int
    seconds: float
    pid: int | None


@dataclass(frozen=True)
class Worker:
    """A worker: the pids of its pool processes, its queues, its running tasks, and the number of its reserved tasks."""

    name: str
    processes: Sequence[int]
    queues: Sequence[str]
    running: Sequence[RunningTask]
    reserved: int


def active_workers() -> list[Worker] | None:
    """Every worker that replies within a second, sorted by name; None if the broker is not reachable."""
    try:
        stats = current_app.control.inspect(timeout=_REPLY_SECONDS).stats() or {}
        # With names and a limit, inspect does not wait for the time-out: it returns when all workers have replied.
        inspect = current_app.control.inspect(list(stats), timeout=_REPLY_SECONDS, limit=len(stats))
        queues, active, reserved = (
            (inspect.active_queues() or {}, inspect.active() or {}, inspect.reserved() or {})
            if stats
            else ({}, {}, {})
        )
    except (OperationalError, RedisError, OSError):
        return None
    return [
        Worker(
            name=name,
            processes=stats[name].get("pool", {}).get("processes", ()),
            queues=sorted(queue["name"] for queue in queues.get(name, ())),
            running=[_running(task) for task in active.get(name, ())],
            reserved=len(reserved.get(name, ())),
        )
        for name in sorted(stats)
    ]


def _running(task: Mapping[str, Any]) -> RunningTask:
    started = task.get("time_start")
    # The first argument of a task is an id or a list of ids (see images.tasks).
    ids = next(iter(task.get("args") or ()), ())
    return RunningTask(
        name=task["name"],
        images=1 if isinstance(ids, str) else len(ids),
        seconds=max(0.0, time.time() - started) if started else 0.0,
        pid=task.get("worker_pid"),
    )
