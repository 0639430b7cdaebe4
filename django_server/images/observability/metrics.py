"""What processes count while they work. Every metric of events is defined here; who counts imports it.

Labels hold words of ours (codes, statuses, stages, endpoints), never what a client sent: their number is bounded.
"""

import os
from functools import cache

from billiard.process import current_process
from django.conf import settings
from prometheus_client import Counter, Gauge, Histogram, values


def _file_of_this_process() -> str | int:
    """Celery's pool processes go by their place in the pool: one that is replaced goes on with its file.

    By their own number, a worker that replaces its processes for their memory would leave a file of each for ever.
    """
    place = getattr(current_process(), "index", None)
    return os.getpid() if place is None else f"{os.getppid()}.{place}"


if settings.METRICS_DIR:
    settings.METRICS_DIR.mkdir(parents=True, exist_ok=True)
    # Before the first metric is made: each takes the class that is there then.
    values.ValueClass = values.MultiProcessValue(_file_of_this_process)

# Up to a cached header, a small photo, a large one, the longest render, a backlog of minutes.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)

STAGE_SECONDS = Histogram(
    "intake_stage_seconds", "How long a stage of the work took.", ["stage"], buckets=_SECONDS
)
IMAGES_ACCEPTED = Counter("intake_images_accepted", "Images that were taken in.", ["endpoint"])
UPLOADS_REJECTED = Counter(
    "intake_uploads_rejected",
    "Files that were not taken in, by why. A request that was refused as a whole counts once.",
    ["endpoint", "code"],
)
IMAGES_FINISHED = Counter(
    "intake_images_finished",
    "Images that became final, with the code of those that failed.",
    ["status", "code"],
)
THUMBNAIL_GENERATIONS = Counter(
    "intake_thumbnail_generations",
    "Images whose missing thumbnails were made, because somebody looked (cold) or by the bulk task. "
    "With a code: who wanted them got none.",
    ["occasion", "code"],
)
SWEEPS = Counter("intake_sweeps", "Rounds of repairs.", ["outcome"])
REPAIRS = Counter("intake_repairs", "What the sweeps repaired.", ["repair"])


@cache
def websocket_clients() -> Gauge:
    """Made by who has some: a metric without labels writes its file at once, in every command that imports this."""
    return Gauge("intake_websocket_clients", "Open WebSockets.", multiprocess_mode="livesum")


def start_at_zero() -> None:
    """For who makes images final: a rate doesn't see the first failure of a series that begins with it."""
    IMAGES_FINISHED.labels("completed", "")
    IMAGES_FINISHED.labels("error", "processing_failed")
