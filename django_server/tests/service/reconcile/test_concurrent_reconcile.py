"""Concurrent reconcilers, and a reconciler beside requests and deletions, on PostgreSQL."""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from images.deletion import delete_images
from images.error_codes import ApiError
from images.models import Image, Thumbnail
from images.reconcile.compare import reconcile
from images.reconcile.report import Report
from images.thumbnails.generate import generate_in_worker
from tests.support.images.closing import require_files_match_rows
from tests.support.images.old_images import path_of, put, uploaded

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """The results of the actions, run at the same time, each with its own connection. Raises an exception of any."""
    start = threading.Barrier(len(actions))

    def run(action: Callable[[], Any]) -> Any:
        try:
            start.wait(30)
            return action()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as pool:
        return [done.result(60) for done in [pool.submit(run, action) for action in actions]]


def applied() -> Report:
    return reconcile(apply=True)


def damage(images: list[Image]) -> list[str]:
    """Delete a thumbnail file of every image, and store a file that no row names. Returns the keys of the latter."""
    for image in images:
        path_of(image.thumbnails.get(label="small").key).unlink()
    return [put(image.thumbnails.get(label="small").key.replace("_240.", "_77.")) for image in images]


def test_two_reconcilers_repair_everything_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("images.reconcile.repair._GROUP_SIZE", 3)
    images = uploaded(20)
    orphans = damage(images)
    reports = at_once(applied, applied)
    for finding in ("thumbnail_without_file", "file_without_row"):
        # Each reconciler skipped the rows that the other had locked or repaired.
        assert sum(report.as_json()["repaired"][finding] for report in reports) == 20
    assert not any(path_of(key).exists() for key in orphans)
    assert Thumbnail.objects.count() == 40
    require_files_match_rows()


def test_reconcilers_beside_requests_and_deletions_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("images.reconcile.repair._GROUP_SIZE", 2)
    images = uploaded(24)
    damage(images)

    def request_thumbnails() -> None:
        for image in images:
            Thumbnail.objects.filter(image_id=image.id, label="large").update(recipe="older")
            try:
                generate_in_worker(image.id)
            except ApiError as refusal:
                assert refusal.code in ("not_found", "overloaded")  # noqa: PT017

    def delete() -> None:
        for image in images[::4]:
            delete_images(Image.objects.filter(id=image.id))

    at_once(applied, request_thumbnails, delete, applied, request_thumbnails)
    reconcile(apply=True)
    for image in Image.objects.all():
        generate_in_worker(image.id)
    assert (Image.objects.count(), Thumbnail.objects.count()) == (18, 54)
    require_files_match_rows()


def test_a_reconciler_skips_locked_rows() -> None:
    """A row that another transaction has locked is left for the next run."""
    first, second = uploaded(2)
    damage([first, second])
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            list(Image.objects.select_for_update().filter(id=first.id))
            list(Thumbnail.objects.select_for_update().filter(image_id=first.id))
            locked.set()
            assert done.wait(30)

    def repair() -> Report:
        assert locked.wait(30)
        try:
            return reconcile(apply=True)
        finally:
            done.set()

    _, report = at_once(hold, repair)
    assert dict(report.found) == {"thumbnail_without_file": 1, "file_without_row": 1}
    assert dict(reconcile(apply=True).found) == {"thumbnail_without_file": 1, "file_without_row": 1}


def test_two_reconcilers_may_both_report_an_orphan_of_a_deleted_image() -> None:
    uploaded(1)
    ids = [uuid.uuid4() for _ in range(50)]
    for one in ids:
        put(f"attachments/uploads/thumbnails/{str(one)[:2]}/{str(one)[2:4]}/{one}_240.jpg")
    reports = at_once(applied, applied)
    assert 50 <= sum(report.found["file_without_row"] for report in reports) <= 100
    require_files_match_rows()
