"""All counters and histograms of the site. Imported by the code that increments them.

Label values are fixed words (codes, statuses, stages, endpoints), never client input, so their number is bounded.
"""

import os
from contextlib import suppress
from functools import cache

from billiard.process import current_process
from django.conf import settings
from prometheus_client import Counter, Gauge, Histogram

from images.observability.metric_files import use_metric_files


def _file_of_this_process() -> str | int:
    """The name of this process's metrics file, without extension.

    A Celery pool process is named by its index in the pool, so that the process that replaces it continues its file.
    With pids as names, a worker that replaces pool processes because of their memory use would leave a file of each.
    """
    index = getattr(current_process(), "index", None)
    return os.getpid() if index is None else f"{os.getppid()}.{index}"


if settings.METRICS_DIR:
    # If the folder can't be created, the first value logs the reason.
    with suppress(OSError):
        settings.METRICS_DIR.mkdir(parents=True, exist_ok=True)
    # Must be called before the first metric is created: a metric uses the class that is set at its creation.
    use_metric_files(_file_of_this_process)

# Buckets in seconds. Reading a cached header takes 1 ms, the longest render 45 s, a long backlog half an hour.
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
    "Generations of an image's missing thumbnails, on request or in bulk. The code is that of a failed generation.",
    ["occasion", "code"],
)
SWEEPS = Counter("django_file_upload_sweeps", "Rounds of the sweeper.", ["outcome"])
REPAIRS = Counter("django_file_upload_repairs", "Rows and files repaired by the sweeper.", ["repair"])


@cache
def websocket_clients() -> Gauge:
    """The gauge of open WebSockets. Created on first use, because it writes its file in any process that creates it."""
    return Gauge("django_file_upload_websocket_clients", "Open WebSockets.", multiprocess_mode="livesum")


def start_at_zero() -> None:
    """Create the series of finished images with the value 0. Called by processes that finish images.

    Prometheus' rate() misses the first increment of a series that does not exist before.
    """
    IMAGES_FINISHED.labels("completed", "")
    IMAGES_FINISHED.labels("error", "processing_failed")
