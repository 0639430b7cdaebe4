"""The nightly reconciliation: queued by beat at its time. Beat itself leaves no files behind."""

import os
import signal
from copy import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from celery.beat import Scheduler
from django.conf import settings
from redis import Redis

from config.celery import app
from images import celery_queue, tasks
from tests.support.images.old_images import path_of, uploaded
from tests.support.processes.celery_worker import child_of, pid_of, worker
from tests.support.processes.process_tree import eventually
from tests.support.sites.started_site import SERVER_ROOT

_NAME = "reconcile every night"


def test_the_nightly_task_is_due_at_half_past_three_utc() -> None:
    entry = Scheduler(app).schedule[_NAME]
    evening = datetime(2026, 1, 2, 22, 30, tzinfo=UTC)
    # A copy: the schedule is the application's own.
    schedule: Any = copy(entry.schedule)
    schedule.nowfun = lambda: evening
    assert schedule.remaining_estimate(evening) == timedelta(hours=5)
    assert entry.task == tasks.reconcile.name == celery_queue.RECONCILE
    assert set(Scheduler(app).schedule) == {_NAME}


@pytest.mark.usefixtures("queue_messages")
def test_beat_queues_the_nightly_task_in_bulk_with_an_expiry() -> None:
    scheduler = Scheduler(app)
    scheduler.schedule[_NAME].last_run_at = datetime.now(UTC) - timedelta(days=2)
    scheduler.tick()
    with Redis.from_url(settings.REDIS_URL) as redis:
        (raw,) = redis.lrange(celery_queue.BULK, 0, -1)
    headers = orjson.loads(raw)["headers"]
    assert headers["task"] == "images.reconcile"
    left = datetime.fromisoformat(headers["expires"]) - datetime.now(UTC)
    assert timedelta(hours=3) < left <= timedelta(hours=4)


def test_a_task_longer_than_an_hour_is_not_delivered_again() -> None:
    assert tasks.reconcile.acks_late is False
    assert tasks.make_thumbnails.acks_late is True


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("queue_messages")
def test_a_worker_executes_the_nightly_task(tmp_path: Path) -> None:
    (image,) = uploaded()
    path_of(image.thumbnails.get(label="small").key).unlink()
    app.send_task(celery_queue.RECONCILE, queue=celery_queue.BULK)
    with worker(tmp_path):
        assert eventually(lambda: image.thumbnails.count() == 2, 60)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_beat_ends_at_once_and_leaves_no_file(tmp_path: Path, number: signal.Signals) -> None:
    beat = child_of(tmp_path, "beat", LOG_LEVEL="DEBUG")
    before = _files()
    beat.start()
    pid = pid_of(beat)
    try:
        # Beat has loaded the application and handles the signal.
        assert eventually(lambda: _handles_sigterm(pid), 30)
        os.kill(pid, number)
        assert eventually(lambda: not beat.is_running, 5)
    finally:
        beat.kill()
    assert _files() == before


def _handles_sigterm(pid: int) -> bool:
    """Whether the process handles SIGTERM, as beat does when it has started."""
    status = Path(f"/proc/{pid}/status").read_text()
    (caught,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")]
    return bool(int(caught, 16) & 1 << signal.SIGTERM - 1)


def _files() -> set[Path]:
    return {path for path in SERVER_ROOT.iterdir() if path.is_file()}
