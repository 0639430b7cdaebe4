"""Workers, sweepers and users change the same rows concurrently, in threads and processes."""

import random
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models.functions import Now

from images.models import Image, Status
from images.processing import transitions
from images.processing.outcomes import Failed
from images.processing.publish import publish_current_state
from images.processing.recovery import republish_unannounced, requeue_pending
from images.sweeper import sweep
from tests.support.fuzz.effort import seconds
from tests.support.images.closing import (
    end_all_waits,
    process_until_final,
    require_files_match_rows,
    require_invariants,
    take_messages,
)
from tests.support.images.pictures import jpeg, pending_images
from tests.support.processes.site_environment import site_environment
from tests.support.sites.started_site import SERVER_ROOT

pytestmark = pytest.mark.django_db(transaction=True)

_THREADS = 8
_IMAGES = 12


def _each_in_a_thread(*actions: Callable[[], None]) -> None:
    """Run the actions at the same time, each with its own connection. Raises the exception of any of them."""
    start = threading.Barrier(len(actions))

    def run(action: Callable[[], None]) -> None:
        try:
            start.wait(30)
            action()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as pool:
        for done in [pool.submit(run, action) for action in actions]:
            done.result(240)


class _RandomChanges:
    """Random changes to the same images from several threads, and how often each image was reported as changed."""

    def __init__(self, ids: list[UUID]) -> None:
        self._ids = ids
        self._lock = threading.Lock()
        self.changed: Counter[UUID] = Counter()
        self.done: Counter[tuple[str, UUID]] = Counter()

    def make(self, seed: int, until: float) -> None:
        rng = random.Random(seed)
        while time.monotonic() < until:
            ids = rng.sample(self._ids, rng.randint(1, len(self._ids)))
            match rng.randrange(8):
                case 0 | 1 | 2:
                    self._work(ids, rng)
                case 3:
                    Image.objects.filter(id=ids[0], status=Status.PROCESSING).update(
                        lease_until=Now() - timedelta(seconds=1)
                    )
                    given_up, waiting = transitions.expire(1000)
                    self._count("expired", [*given_up, *waiting])
                case 4 | 5:
                    self._count("retried", transitions.retry(ids))
                case 6:
                    self._count("aborted", transitions.abort(ids[:2]))
                case 7:
                    Image.objects.filter(id=ids[0]).update(changed_at=Now() - timedelta(seconds=6))
                    republish_unannounced()
                    publish_current_state(ids)
                    requeue_pending()

    def _work(self, ids: list[UUID], rng: random.Random) -> None:
        claim = transitions.claim(ids)
        claimed = [image["id"] for image in claim.images]
        back, kept = claimed[:1], claimed[1:]
        self._count("claimed", claimed)
        flushed = transitions.flush(
            claim, [Failed(id_, "corrupt_image", "It is damaged.") for id_ in kept], renew=rng.random() < 0.5
        )
        self._count("flushed", [image["id"] for image, _ in flushed])
        self._count("released", transitions.release(claim, back))

    def _count(self, what: str, ids: list[UUID]) -> None:
        with self._lock:
            for id_ in ids:
                self.changed[id_] += 1
                self.done[what, id_] += 1


def test_concurrent_workers_sweepers_and_users_never_deadlock(
    queue_messages: Any,
) -> None:
    """No thread gets a database error, as it would with two locking orders, and every change is counted once."""
    ids = [image.id for image in pending_images(*[jpeg(32, 20)] * _IMAGES)]
    changes = _RandomChanges(ids)
    until = time.monotonic() + seconds(6)
    _each_in_a_thread(*[lambda seed=seed: changes.make(seed, until) for seed in range(_THREADS)])
    for image in Image.objects.all():
        # `claim` reads the rows after it has claimed them: its result lacks those aborted in between.
        assert changes.changed[image.id] <= image.version - 1
        ended = changes.done["flushed", image.id] + changes.done["released", image.id]
        assert ended <= changes.done["claimed", image.id]
        assert image.announced_version <= image.version
    transitions.retry(ids)
    process_until_final()
    require_invariants()
    require_files_match_rows()


def test_images_of_a_message_delivered_to_many_workers_at_once_are_claimed_once(queue_messages: Any) -> None:
    ids = [image.id for image in pending_images(*[jpeg(32, 20)] * _IMAGES)]
    claimed: list[UUID] = []
    _each_in_a_thread(
        *[lambda: claimed.extend(image["id"] for image in transitions.claim(ids).images)] * _THREADS
    )
    assert sorted(claimed) == sorted(ids)
    assert set(Image.objects.values_list("version", "attempts")) == {(2, 1)}


def _images_to_repair() -> list[Image]:
    """30 images whose worker crashed, 30 whose queue message was lost, and 30 whose event was not published."""
    images = pending_images(*[jpeg(32, 20)] * 90)
    crashed, lost = [image.id for image in images[:30]], [image.id for image in images[30:60]]
    Image.objects.filter(id__in=crashed).update(
        status=Status.PROCESSING, claim=uuid.uuid4(), lease_until=Now() - timedelta(seconds=1), attempts=1
    )
    Image.objects.filter(id__in=lost).update(queued_at=None)
    Image.objects.exclude(id__in=crashed + lost).update(changed_at=Now() - timedelta(seconds=6))
    return images


def _require_each_repaired_once(images: list[Image]) -> None:
    crashed, lost, unannounced = (
        {image.id for image in part} for part in (images[:30], images[30:60], images[60:])
    )
    assert set(Image.objects.filter(id__in=crashed).values_list("status", "version")) == {("pending", 2)}
    assert set(Image.objects.exclude(id__in=crashed).values_list("status", "version")) == {("pending", 1)}
    assert set(Image.objects.filter(id__in=unannounced).values_list("announced_version", flat=True)) == {1}
    queued = Counter(id_ for ids in take_messages() for id_ in ids)
    assert set(queued) == crashed | lost
    assert {queued[id_] for id_ in crashed} == {1}


def test_two_sweepers_at_once_in_threads_repair_each_image_once(queue_messages: Any) -> None:
    images = _images_to_repair()
    _each_in_a_thread(sweep, sweep)
    _require_each_repaired_once(images)
    process_until_final()
    require_invariants()


def test_two_sweepers_at_once_in_processes_repair_each_image_once(queue_messages: Any) -> None:
    images = _images_to_repair()
    sweepers = [
        subprocess.Popen(
            [sys.executable, "manage.py", "sweep"],
            cwd=SERVER_ROOT,
            env=site_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    for sweeper in sweepers:
        output, _ = sweeper.communicate(timeout=120)
        assert sweeper.returncode == 0, output
        assert "Traceback" not in output
    _require_each_repaired_once(images)
    process_until_final()
    require_invariants()


def test_sweepers_at_once_empty_the_same_spool(settings: Any) -> None:
    for number in range(50):
        (settings.INCOMING_ROOT / str(uuid.uuid4())).write_bytes(jpeg(32, 20)[: number * 10])
    end_all_waits()
    _each_in_a_thread(sweep, sweep, sweep)
    require_files_match_rows()


def test_a_late_announcement_does_not_lower_the_announced_version(queue_messages: Any) -> None:
    (image,) = pending_images(jpeg(32, 20))
    transitions.mark_published({image.id: 5})
    transitions.mark_published({image.id: 3})
    image.refresh_from_db()
    assert image.announced_version == 5


def test_a_renewed_lease_keeps_the_claim_of_images_not_rendered_yet(queue_messages: Any) -> None:
    first, second = pending_images(*[jpeg(32, 20)] * 2)
    claim = transitions.claim([first.id, second.id])
    Image.objects.update(lease_until=Now() - timedelta(seconds=1))
    transitions.flush(claim, [Failed(first.id, "corrupt_image", "It is damaged.")], renew=True)
    assert transitions.expire(10) == ([], [])
    Image.objects.filter(id=second.id).update(lease_until=Now() - timedelta(seconds=1))
    assert transitions.expire(10) == ([], [second.id])
