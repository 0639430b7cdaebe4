"""Every counter and histogram of the site. Imported by the code that increments them.

Label values are fixed words (codes, statuses, stages, endpoints), never client input, so their number is bounded.
"""

import os
from functools import cache

from billiard.process import current_process
from django.conf import settings
from prometheus_client import Counter, Gauge, Histogram, values


def _file_of_this_process() -> str | int:
    """Name Celery's pool processes by their index in the pool, so that a replacement continues the same file.

    Named by pid, a worker that replaces its processes for their memory use would leave one file for each.
    """
    index = getattr(current_process(), "index", None)
    return os.getpid() if index is None else f"{os.getppid()}.{index}"


if settings.METRICS_DIR:
    settings.METRICS_DIR.mkdir(parents=True, exist_ok=True)
    # Must precede the first metric: each metric takes the class that is set when it is created.
    values.ValueClass = values.MultiProcessValue(_file_of_this_process)

# Buckets from reading a cached header (1 ms) over the longest render (45 s) to a backlog of half an hour.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)

STAGE_SECONDS = Histogram(
    "django_file_upload_stage_seconds",
    "Duration of a stage of an upload, a job or a thumbnail generation.",
    ["stage"],
    buckets=_SECONDS,
)
IMAGES_ACCEPTED = Counter("django_file_upload_images_accepted", "Images accepted by an upload.", ["endpoint"])
UPLOADS_REJECTED = Counter(
    "django_file_upload_uploads_rejected",
    "Files rejected, by error code. A request that was rejected as a whole counts once.",
    ["endpoint", "code"],
)
IMAGES_FINISHED = Counter(
    "django_file_upload_images_finished",
    "Images that reached a final status, with the error code of failed ones.",
    ["status", "code"],
)
THUMBNAIL_GENERATIONS = Counter(
    "django_file_upload_thumbnail_generations",
    "Images whose missing thumbnails were generated, on request or in bulk. With a code: requests that failed.",
    ["occasion", "code"],
)
SWEEPS = Counter("django_file_upload_sweeps", "Rounds of the sweeper.", ["outcome"])
REPAIRS = Counter("django_file_upload_repairs", "Rows and files repaired by the sweeper.", ["repair"])


@cache
def websocket_clients() -> Gauge:
    """Created on first use: a metric without labels writes its file as soon as it exists, in every process."""
    return Gauge("django_file_upload_websocket_clients", "Open WebSockets.", multiprocess_mode="livesum")


def start_at_zero() -> None:
    """Create the series of finished images with 0. A rate misses the first increment of a series that starts with it.

    Called by processes that finish images.
    """
    IMAGES_FINISHED.labels("completed", "")
    IMAGES_FINISHED.labels("error", "processing_failed")
