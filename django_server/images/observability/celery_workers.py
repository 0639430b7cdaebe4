"""The workers as Celery itself sees them: who is there, what each takes from, and what it does now.

Asked by broadcast, for the administrators' page. A worker that does not answer in time is not in the answer.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

# A worker's main process answers, however busy its pool is.
_ANSWER_WITHIN_SECONDS = 1.0


@dataclass(frozen=True)
class RunningTask:
    """A task that a process of the pool works on, on how many images, and since how many seconds."""

    name: str
    images: int
    seconds: float
    pid: int | None


@dataclass(frozen=True)
class Worker:
    """One worker: its processes, the queues it takes from, what runs, and what it has taken but not begun."""

    name: str
    processes: Sequence[int]
    queues: Sequence[str]
    running: Sequence[RunningTask]
    reserved: int


def ask_workers() -> list[Worker] | None:
    """Every worker that answers within a second, by name; None when the broker does not answer."""
    try:
        stats = current_app.control.inspect(timeout=_ANSWER_WITHIN_SECONDS).stats() or {}
        # Asked by name and number, so that no time-out is waited for once all have answered.
        known = current_app.control.inspect(list(stats), timeout=_ANSWER_WITHIN_SECONDS, limit=len(stats))
        queues, active, reserved = (
            (known.active_queues() or {}, known.active() or {}, known.reserved() or {})
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
    # One id, or one list of them: images.tasks.
    ids = next(iter(task.get("args") or ()), ())
    return RunningTask(
        name=task["name"],
        images=1 if isinstance(ids, str) else len(ids),
        seconds=max(0.0, time.time() - started) if started else 0.0,
        pid=task.get("worker_pid"),
    )
