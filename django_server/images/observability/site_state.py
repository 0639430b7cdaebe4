"""The state of the site at this moment, asked of database, broker and disk. Bounded, whatever the number of images.

What does not answer is told as such and leaves its figures out: a metric that is missing is seen, a wrong one is not.
"""

import shutil
from collections.abc import Iterator
from typing import cast

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.models.functions import Now
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from images import queue
from images.models import Image, Status

# 25 to 100 ms of PostgreSQL, of a million rows or ten; with more in the queue nobody needs an exact figure.
COUNTED_AT_MOST = 100_000


class State(Collector):
    """A collector of Prometheus's client. Three statements and one message to the broker a look."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        answers = GaugeMetricFamily(
            "intake_dependency_up", "Whether it answers this process: 1 or 0.", labels=["dependency"]
        )
        images, messages = _images(), _messages()
        answers.add_metric(["database"], float(bool(images)))
        answers.add_metric(["broker"], float(bool(messages)))
        yield answers
        yield from images
        yield from messages
        yield _free_space()


def _images() -> list[GaugeMetricFamily]:
    unfinished = GaugeMetricFamily(
        "intake_images_unfinished",
        f"Images that are not final. {COUNTED_AT_MOST}: so many or more.",
        labels=["status"],
    )
    oldest = GaugeMetricFamily(
        "intake_oldest_waiting_seconds",
        "Since when the pending image that was uploaded first has been here; 0 when none waits.",
    )
    try:
        for status in (Status.PENDING, Status.PROCESSING):
            counted = Image.objects.filter(status=status).order_by()[:COUNTED_AT_MOST].count()
            unfinished.add_metric([status.value], counted)
        oldest.add_metric([], _oldest_waiting_seconds())
    except (DatabaseError, InterfaceError):
        return []
    finally:
        # The thread of a look is nobody's request: nothing else would close it.
        connection.close()
    return [unfinished, oldest]


def _oldest_waiting_seconds() -> float:
    waiting = Image.objects.filter(status=Status.PENDING).order_by("uploaded_at")
    first = waiting.values_list("uploaded_at", Now()).first()
    # Two clocks: Python's wrote the one, the database's the other.
    return max(0.0, (first[1] - first[0]).total_seconds()) if first else 0.0


def _messages() -> list[GaugeMetricFamily]:
    waiting = GaugeMetricFamily(
        "intake_queue_messages", "Messages that wait; one may carry the ids of 16 images.", labels=["queue"]
    )
    taken = GaugeMetricFamily("intake_queue_unacknowledged_messages", "Messages that a worker has.")
    depths = queue.depths()
    if depths is None:
        return []
    for name, messages in depths.waiting.items():
        waiting.add_metric([name], messages)
    taken.add_metric([], depths.unacknowledged)
    return [waiting, taken]


def _free_space() -> GaugeMetricFamily:
    free = GaugeMetricFamily(
        "intake_storage_free_bytes", "Room on the file system of a folder.", labels=["folder"]
    )
    for folder in ("DATA_DIR", "MEDIA_ROOT", "INCOMING_ROOT"):
        try:
            usage = shutil.disk_usage(cast(str, getattr(settings, folder)))
        except OSError:
            continue
        free.add_metric([folder], usage.free)
    return free
