"""The text that Prometheus scrapes: the sums of all processes that share METRICS_DIR, and if requested the state."""

import os
import re
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from images.observability import event_counters
from images.observability.state_gauges import SiteState

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_LIVE_GAUGE_FILE = re.compile(r"gauge_live[a-z]*_(\d+)\.db")


def exposition(*, with_state: bool) -> bytes:
    """The metrics as text of the type CONTENT_TYPE. Without METRICS_DIR, those of this process only."""
    registry = CollectorRegistry()
    # A folder that could not be created has no files: this process counts in memory (see `metric_files`).
    if settings.METRICS_DIR and settings.METRICS_DIR.is_dir():
        _delete_gauges_of_dead_processes(settings.METRICS_DIR)
        MultiProcessCollector(registry, str(settings.METRICS_DIR))
    else:
        for metric in event_metrics():
            registry.register(metric)
    if with_state:
        registry.register(SiteState())
    return generate_latest(registry)


def event_metrics() -> tuple[Collector, ...]:
    """Every counter, histogram and gauge that processes increment."""
    return (
        event_counters.STAGE_SECONDS,
        event_counters.IMAGES_ACCEPTED,
        event_counters.UPLOADS_REJECTED,
        event_counters.IMAGES_FINISHED,
        event_counters.THUMBNAIL_GENERATIONS,
        event_counters.SWEEPS,
        event_counters.REPAIRS,
        event_counters.websocket_clients(),
    )


def _delete_gauges_of_dead_processes(folder: Path) -> None:
    """Delete the gauge files of killed processes, which could not decrement their gauges. Counter files stay."""
    for path in folder.glob("gauge_live*.db"):
        match = _LIVE_GAUGE_FILE.fullmatch(path.name)
        if match and not _is_alive(int(match[1])):
            with suppress(OSError):  # also in a read-only folder the other files can be read
                path.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    with suppress(PermissionError):  # The process exists and belongs to another user.
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
    return True
