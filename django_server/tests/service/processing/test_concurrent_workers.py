"""Many at once, for real: workers, sweepers and people in threads and processes on the same rows."""

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
    all_is_well,
    files_are_the_rows,
    let_time_pass,
    take_messages,
    work_until_quiet,
)
from tests.support.images.pictures import jpeg, pending_images
from tests.support.processes.site_environment import site_environment
from tests.support.sites.started_site import SERVER_ROOT

pytestmark = pytest.mark.django_db(transaction=True)

_PEOPLE = 8
_IMAGES = 12


def _each_in_a_thread(*actions: Callable[[], None]) -> None:
    """Run them at the same time, each on a connection of its own. Raises what any of them raised."""
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


class _Crowd:
    """What many did to the same images: how often each was changed, by what was told to them."""

    def __init__(self, ids: list[UUID]) -> None:
        self._ids = ids
        self._lock = threading.Lock()
        self.changed: Counter[UUID] = Counter()
        self.done: Counter[tuple[str, UUID]] = Counter()

    def one(self, seed: int, until: float) -> None:
        dice = random.Random(seed)
        while time.monotonic() < until:
            ids = dice.sample(self._ids, dice.randint(1, len(self._ids)))
            match dice.randrange(8):
                case 0 | 1 | 2:
                    self._work(ids, dice)
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

    def _work(self, ids: list[UUID], dice: random.Random) -> None:
        claim = transitions.claim(ids)
        claimed = [image["id"] for image in claim.images]
        back, kept = claimed[:1], claimed[1:]
        self._count("claimed", claimed)
        flushed = transitions.flush(
            claim, [Failed(id_, "corrupt_image", "It is damaged.") for id_ in kept], renew=dice.random() < 0.5
        )
        self._count("flushed", [image["id"] for image, _ in flushed])
        self._count("released", transitions.release(claim, back))

    def _count(self, what: str, ids: list[UUID]) -> None:
        with self._lock:
            for id_ in ids:
                self.changed[id_] += 1
                self.done[what, id_] += 1


def test_a_crowd_of_workers_sweepers_and_people_never_waits_for_each_other_for_ever(
    queue_messages: Any,
) -> None:
    """Nobody gets a database error (two that lock in different orders would), every change is counted once."""
    ids = [image.id for image in pending_images(*[jpeg(32, 20)] * _IMAGES)]
    crowd = _Crowd(ids)
    until = time.monotonic() + seconds(6)
    _each_in_a_thread(*[lambda seed=seed: crowd.one(seed, until) for seed in range(_PEOPLE)])
    for image in Image.objects.all():
        # Whoever claims reads what it claimed afterwards: what was aborted in between it is not told of.
        assert crowd.changed[image.id] <= image.version - 1
        ended = crowd.done["flushed", image.id] + crowd.done["released", image.id]
        assert ended <= crowd.done["claimed", image.id]
        assert image.announced_version <= image.version
    transitions.retry(ids)
    work_until_quiet()
    all_is_well()
    files_are_the_rows()


def test_a_message_that_comes_to_many_workers_at_once_is_worked_on_by_one(queue_messages: Any) -> None:
    ids = [image.id for image in pending_images(*[jpeg(32, 20)] * _IMAGES)]
    claimed: list[UUID] = []
    _each_in_a_thread(
        *[lambda: claimed.extend(image["id"] for image in transitions.claim(ids).images)] * _PEOPLE
    )
    assert sorted(claimed) == sorted(ids)
    assert set(Image.objects.values_list("version", "attempts")) == {(2, 1)}


def _all_kinds_of_work() -> list[Image]:
    """Images whose worker died, whose message was lost and whose news were: 30 of each."""
    images = pending_images(*[jpeg(32, 20)] * 90)
    dead, lost = [image.id for image in images[:30]], [image.id for image in images[30:60]]
    Image.objects.filter(id__in=dead).update(
        status=Status.PROCESSING, claim=uuid.uuid4(), lease_until=Now() - timedelta(seconds=1), attempts=1
    )
    Image.objects.filter(id__in=lost).update(queued_at=None)
    Image.objects.exclude(id__in=dead + lost).update(changed_at=Now() - timedelta(seconds=6))
    return images


def _each_repaired_once(images: list[Image]) -> None:
    dead, lost, untold = ({image.id for image in part} for part in (images[:30], images[30:60], images[60:]))
    assert set(Image.objects.filter(id__in=dead).values_list("status", "version")) == {("pending", 2)}
    assert set(Image.objects.exclude(id__in=dead).values_list("status", "version")) == {("pending", 1)}
    assert set(Image.objects.filter(id__in=untold).values_list("announced_version", flat=True)) == {1}
    queued = Counter(id_ for ids in take_messages() for id_ in ids)
    assert set(queued) == dead | lost
    assert {queued[id_] for id_ in dead} == {1}


def test_two_sweepers_at_once_in_threads_repair_each_image_once(queue_messages: Any) -> None:
    images = _all_kinds_of_work()
    _each_in_a_thread(sweep, sweep)
    _each_repaired_once(images)
    work_until_quiet()
    all_is_well()


def test_two_sweepers_at_once_in_processes_repair_each_image_once(queue_messages: Any) -> None:
    images = _all_kinds_of_work()
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
        said, _ = sweeper.communicate(timeout=120)
        assert sweeper.returncode == 0, said
        assert "Traceback" not in said
    _each_repaired_once(images)
    work_until_quiet()
    all_is_well()


def test_two_sweepers_at_once_clear_the_same_spool(settings: Any) -> None:
    for number in range(50):
        (settings.INCOMING_ROOT / str(uuid.uuid4())).write_bytes(jpeg(32, 20)[: number * 10])
    let_time_pass()
    _each_in_a_thread(sweep, sweep, sweep)
    files_are_the_rows()


def test_news_that_arrive_late_do_not_take_back_what_was_told(queue_messages: Any) -> None:
    (image,) = pending_images(jpeg(32, 20))
    transitions.mark_published({image.id: 5})
    transitions.mark_published({image.id: 3})
    image.refresh_from_db()
    assert image.announced_version == 5


def test_a_renewed_lease_keeps_what_is_not_rendered_yet(queue_messages: Any) -> None:
    first, second = pending_images(*[jpeg(32, 20)] * 2)
    claim = transitions.claim([first.id, second.id])
    Image.objects.update(lease_until=Now() - timedelta(seconds=1))
    transitions.flush(claim, [Failed(first.id, "corrupt_image", "It is damaged.")], renew=True)
    assert transitions.expire(10) == ([], [])
    Image.objects.filter(id=second.id).update(lease_until=Now() - timedelta(seconds=1))
    assert transitions.expire(10) == ([], [second.id])
