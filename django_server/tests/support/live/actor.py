"""Stands for a worker in the live tests: a process that changes rows and publishes their events.

Started by `live_site`. Reads one JSON line per call, `[function, arguments]`, and writes the result as one JSON line.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import django

django.setup()

from django.db import transaction  # noqa: E402
from django.db.models import F  # noqa: E402
from django.db.models.functions import Now  # noqa: E402
from django.utils import timezone  # noqa: E402

from images.live import events  # noqa: E402
from images.models import FINAL_STATUSES, Batch, Image, Status, Thumbnail  # noqa: E402
from images.processing import transitions  # noqa: E402
from images.processing.publish import publish_current_state, publish_deletions  # noqa: E402


def create_images(
    count: int, batch: str | None = None, name: str = "photo.jpg", folder: str = "attachments"
) -> list[str]:
    """Creates pending images, without publishing them, and their batch if it is new."""
    batch_id = None if batch is None else UUID(batch)
    if batch_id is not None:
        Batch.objects.get_or_create(id=batch_id)
    now = timezone.now()
    rows = []
    for _ in range(count):
        job_id = uuid4()
        rows.append(
            Image(
                id=job_id,
                batch_id=batch_id,
                collection="uploads",
                name=name,
                key=f"{folder}/{job_id}.jpg",
                byte_size=1000,
                media_type="image/jpeg",
                source_version="a" * 64,
                uploaded_at=now,
            )
        )
    Image.objects.bulk_create(rows)
    return [str(row.id) for row in rows]


def change_status(ids: list[str], status: str, announced: bool = True) -> None:
    """Changes the status of images, raises their versions, and publishes the events after the commit."""
    claimed: dict[str, Any] = {"claim": None, "lease_until": None}
    if status == Status.PROCESSING:
        claimed = {"claim": uuid4(), "lease_until": Now()}
    with transaction.atomic():
        Image.objects.filter(id__in=ids).update(
            status=status,
            version=F("version") + 1,
            changed_at=Now(),
            finished_at=Now() if status in FINAL_STATUSES else None,
            error_code="corrupt_image" if status == Status.ERROR else "",
            **claimed,
        )
        if status == Status.COMPLETED:
            thumbnails = [
                Thumbnail(
                    image_id=UUID(one),
                    label="small",
                    key=f"t/{one}.jpg",
                    scale=240,
                    width=1,
                    height=1,
                    byte_size=1,
                )
                for one in ids
            ]
            Thumbnail.objects.bulk_create(thumbnails)
    if announced:
        publish_current_state([UUID(one) for one in ids])


def delete(ids: list[str]) -> None:
    """Deletes images and publishes the events."""
    publish_deletions(transitions.delete(Image.objects.filter(id__in=ids)))


def unannounced(ids: list[str]) -> int:
    return Image.objects.filter(id__in=ids, version__gt=F("announced_version")).count()


def publish(count: int, byte_size: int = 100, batch: str | None = None) -> tuple[bool, float]:
    """Publishes events of images without rows; returns the result of `publish`, and the seconds it took."""
    batch_id = None if batch is None else UUID(batch)
    made_up = []
    for number in range(count):
        job_id = uuid4()
        text = json.dumps({"type": "send_upload_notification", "job_id": str(job_id), "name": f"{number}"})
        made_up.append(events.Event(job_id, batch_id, text[:-1] + f', "filling": "{"x" * byte_size}"}}'))
    started = time.monotonic()
    published = events.publish(made_up)
    return published, time.monotonic() - started


def publish_often(times: int) -> tuple[list[bool], float]:
    """Publishes one event `times` times, one after the other."""
    started = time.monotonic()
    return [publish(1)[0] for _ in range(times)], time.monotonic() - started


def publish_from_threads(threads: int) -> list[bool]:
    """Publishes from `threads` threads simultaneously."""
    published: list[bool] = []
    running = [threading.Thread(target=lambda: published.append(publish(1)[0])) for _ in range(threads)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    return published


def publish_from_child() -> tuple[bool, bool, bool]:
    """Publishes here, in a forked child like Celery's, and here again."""
    before, _ = publish(1)
    child = os.fork()
    if child == 0:
        published, _ = publish(1)
        os._exit(0 if published else 1)
    _, status = os.waitpid(child, 0)
    after, _ = publish(1)
    return before, os.waitstatus_to_exitcode(status) == 0, after


COMMANDS: dict[str, Callable[..., Any]] = {
    one.__name__: one
    for one in (
        create_images,
        change_status,
        delete,
        unannounced,
        publish,
        publish_often,
        publish_from_threads,
        publish_from_child,
    )
}


def main() -> None:
    print("ready", flush=True)
    for line in sys.stdin:
        name, arguments = json.loads(line)
        print(json.dumps(COMMANDS[name](**arguments)), flush=True)


if __name__ == "__main__":
    main()
