"""The text that Prometheus scrapes: sums over all processes that share METRICS_DIR and, on demand, the site's state."""

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
    """The text, of type CONTENT_TYPE. Without METRICS_DIR it covers this process only."""
    registry = CollectorRegistry()
    if settings.METRICS_DIR:
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
    """Delete gauge files of killed processes, which could not decrement them. Counters keep theirs."""
    for path in folder.glob("gauge_live*.db"):
        found = _LIVE_GAUGE_FILE.fullmatch(path.name)
        if found and not _is_alive(int(found[1])):
            path.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    with suppress(PermissionError):  # another user's process: it exists
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
    return True
