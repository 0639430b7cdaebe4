"""The text that Prometheus reads: what all processes of this folder have counted and, if wanted, the site's state."""

import os
import re
from contextlib import suppress
from pathlib import Path

from django.conf import settings
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from images.observability import metrics
from images.observability.site_state import State

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_OF_LIVING = re.compile(r"gauge_live[a-z]*_(\d+)\.db")


def exposition(*, with_state: bool) -> bytes:
    """Text of CONTENT_TYPE. Without METRICS_DIR it tells of this process alone."""
    shown = CollectorRegistry()
    if settings.METRICS_DIR:
        _forget_the_dead(settings.METRICS_DIR)
        MultiProcessCollector(shown, str(settings.METRICS_DIR))
    else:
        for one in counted_here():
            shown.register(one)
    if with_state:
        shown.register(State())
    return generate_latest(shown)


def counted_here() -> tuple[Collector, ...]:
    """Every metric of events."""
    return (
        metrics.STAGE_SECONDS,
        metrics.IMAGES_ACCEPTED,
        metrics.UPLOADS_REJECTED,
        metrics.IMAGES_FINISHED,
        metrics.THUMBNAIL_GENERATIONS,
        metrics.SWEEPS,
        metrics.REPAIRS,
        metrics.websocket_clients(),
    )


def _forget_the_dead(folder: Path) -> None:
    """A killed process can't take back its part of a gauge: whoever looks next does. Counters keep theirs."""
    for path in folder.glob("gauge_live*.db"):
        found = _OF_LIVING.fullmatch(path.name)
        if found and not _is_alive(int(found[1])):
            path.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    with suppress(PermissionError):  # somebody else's, so there is one
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
    return True
