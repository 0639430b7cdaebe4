"""The site's current state, read from database, broker and disk. The cost is bounded for any number of images.

The metrics of an unreachable dependency are left out: a missing metric is noticed, a wrong value is not.
"""

import shutil
from collections.abc import Iterator
from typing import cast

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.models.functions import Now
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from images import celery_queue
from images.models import Image, Status

# Rows are counted up to this number, which takes PostgreSQL 25 to 100 ms in a table of one or ten million rows.
MAX_COUNT = 100_000


class SiteState(Collector):
    """A collector for prometheus-client. A scrape costs three SQL statements and one round trip to the broker."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        dependencies = GaugeMetricFamily(
            "django_file_upload_dependency_up",
            "Whether this process can reach the dependency: 1 or 0.",
            labels=["dependency"],
        )
        images, messages = _images(), _messages()
        dependencies.add_metric(["database"], float(bool(images)))
        dependencies.add_metric(["broker"], float(bool(messages)))
        yield dependencies
        yield from images
        yield from messages
        yield _free_space()


def _images() -> list[GaugeMetricFamily]:
    unfinished = GaugeMetricFamily(
        "django_file_upload_images_unfinished",
        f"Images without a final status. {MAX_COUNT} means that many or more.",
        labels=["status"],
    )
    oldest = GaugeMetricFamily(
        "django_file_upload_oldest_pending_seconds",
        "Age of the pending image that was uploaded first; 0 if none is pending.",
    )
    try:
        for status in (Status.PENDING, Status.PROCESSING):
            counted = Image.objects.filter(status=status).order_by()[:MAX_COUNT].count()
            unfinished.add_metric([status.value], counted)
        oldest.add_metric([], _oldest_pending_seconds())
    except (DatabaseError, InterfaceError):
        return []
    finally:
        # The scrape's thread serves no Django request, so Django does not close its database connection.
        connection.close()
    return [unfinished, oldest]


def _oldest_pending_seconds() -> float:
    pending = Image.objects.filter(status=Status.PENDING).order_by("uploaded_at")
    first = pending.values_list("uploaded_at", Now()).first()
    # `uploaded_at` is of Python's clock and Now() of the database's, so the difference may be negative.
    return max(0.0, (first[1] - first[0]).total_seconds()) if first else 0.0


def _messages() -> list[GaugeMetricFamily]:
    queued = GaugeMetricFamily(
        "django_file_upload_queue_messages",
        "Messages waiting in the queue. Each has the ids of 1 to 16 images.",
        labels=["queue"],
    )
    unacknowledged = GaugeMetricFamily(
        "django_file_upload_queue_unacknowledged_messages",
        "Messages delivered to a worker and not yet acknowledged.",
    )
    depths = celery_queue.depths()
    if depths is None:
        return []
    for name, messages in depths.waiting.items():
        queued.add_metric([name], messages)
    unacknowledged.add_metric([], depths.unacknowledged)
    return [queued, unacknowledged]


def _free_space() -> GaugeMetricFamily:
    free = GaugeMetricFamily(
        "django_file_upload_storage_free_bytes",
        "Free space on the file system of the folder.",
        labels=["folder"],
    )
    for folder in ("DATA_DIR", "MEDIA_ROOT", "INCOMING_ROOT"):
        try:
            usage = shutil.disk_usage(cast(str, getattr(settings, folder)))
        except OSError:
            continue
        free.add_metric([folder], usage.free)
    return free
