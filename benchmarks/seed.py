"""One task per image against a batch, with the original project's figures for both: the `seed` rows.

    python benchmarks/run.py seed

The original's figures come from another machine and other images, so only the ratio of the two ways is compared. All
images are in one request; seconds are from the POST to the last `completed`.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from journey import journey_seconds
from load_requests import Picture, generated_pictures
from results import Row, point
from rounds import rounds_of
from sites import SiteOnServers, site_on_servers
from write_log import log_writes, written

SIZES = (5, 10, 20, 50, 100, 200, 300, 1000)
ENDPOINTS = ("async", "batch")
MEGAPIXELS = 0.2
_ROUND_SECONDS = 30.0
_OFTEN = 100  # there are no targets here, so larger batches are measured once
# The original's figures: seconds by endpoint and number of images, and the claimed saving of a batch from a number of
# images on.
PUBLISHED_SECONDS = {
    ("async", 200): 7.0,
    ("batch", 200): 2.0,
    ("async", 300): 6.9,
    ("batch", 300): 2.6,
    ("async", 1000): 24.7,
    ("batch", 1000): 10.5,
}
PUBLISHED_SAVINGS = {100: "60–80 %", 20: "40–60 %", 5: "20–40 %"}


@dataclass(frozen=True)
class Run:
    seconds: float
    statements: int
    tasks: int


Runs = dict[tuple[str, int], list[Run]]


def measure() -> tuple[list[Row], str]:
    """The rows, and a sentence on the conditions of the measurement."""
    pictures = generated_pictures(MEGAPIXELS, seed=1)
    runs: Runs = {(endpoint, images): [] for endpoint in ENDPOINTS for images in SIZES}
    with site_on_servers() as running:
        log_writes(running)
        _run(running, "batch", 100, pictures)  # warms up
        for number in range(rounds_of(_ROUND_SECONDS)):
            for (endpoint, images), some in runs.items():
                if not number or images <= _OFTEN:
                    some.append(_run(running, endpoint, images, pictures))
    return _rows(runs), (
        f"JPEGs of {MEGAPIXELS} megapixels, all of a batch in one request, on PostgreSQL and Redis; wall time from the "
        f"POST to the last completed on the WebSocket. Up to {_OFTEN} images medians of "
        f"{len(runs['batch', SIZES[0]])}, interleaved; larger ones once. The original's figures are its own, of "
        "another machine and other images. "
        f"Python {platform.python_version()}, {platform.machine()}."
    )


def _run(running: SiteOnServers, endpoint: str, images: int, pictures: Sequence[Picture]) -> Run:
    turns = [pictures[number % len(pictures)] for number in range(images)]
    with written(running) as counted:
        seconds = journey_seconds(running.site, endpoint, turns, per_request=images)
    return Run(seconds, counted.statements, counted.tasks)


def _rows(runs: Runs) -> list[Row]:
    seconds = {key: median(one.seconds for one in some) for key, some in runs.items()}
    rows = [
        point("seed", f"{endpoint}, {{}} images", images, took, "s", _published(endpoint, images))
        for (endpoint, images), took in seconds.items()
    ]
    for images in SIZES:
        saved = 1 - seconds["batch", images] / seconds["async", images]
        claim = next(saving for minimum, saving in PUBLISHED_SAVINGS.items() if images >= minimum)
        rows.append(
            point("seed", "{} images, saved by a batch", images, saved * 100, "%", f"the original: {claim}")
        )
    for (endpoint, images), some in runs.items():
        writes = median(one.statements for one in some)
        rows.append(point("seed", f"{endpoint}, {{}} images, SQL writes", images, writes, ""))
    for (endpoint, images), some in runs.items():
        tasks = median(one.tasks for one in some)
        rows.append(point("seed", f"{endpoint}, {{}} images, tasks", images, tasks, ""))
    return rows


def _published(endpoint: str, images: int) -> str:
    known = PUBLISHED_SECONDS.get((endpoint, images))
    return "for orientation" if known is None else f"the original: {known:g} s"
