"""Cost of a page of the list with a thousand to a million images, against DRF: the `list` rows.

    python benchmarks/run.py list

Each size is a database in a PostgreSQL started for this, with a serving process of its own. The parent measures them in
turn, so that noise of the machine affects all alike. CPU seconds of the serving process and of PostgreSQL; only ratios
have targets. Each figure includes the connection to PostgreSQL, one per request as in production.
"""

from __future__ import annotations

import base64
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from hashlib import md5
from pathlib import Path
from statistics import median
from uuid import UUID

from results import Row, at_least, at_most, point, reported

sys.path.append(str(Path(__file__).resolve().parent.parent / "django_server"))

from list_rows import EPOCH_SECONDS, IMAGES_PER_BATCH, Thumbnails, make_database
from list_serving import Cost, RequestSeries, Serving, cost_of
from sizes import SCALES

ROUNDS = 5
REQUESTS = 30  # per repetition; PostgreSQL's CPU time has a resolution of 10 ms
IMAGES = {"1 k": 1_000, "100 k": 100_000, "1 M": 1_000_000}
DEPTH = 900_000
DEPTHS = (1_000, 10_000, 100_000, DEPTH)
# Label and query, on a million images. Names are IMG_0000001.jpg and so on.
FILTERS = {
    "status, one in a hundred": "status=error",
    "collection, one in ten": "collection=archive",
    "collection and status": "collection=archive&status=error",
    "collection and status, no match": "collection=uploads&status=error",
    "batch": "batch={batch}",
    "batch and status": "batch={batch}&status=error",
    "q, one match": "q=0500123",
    "q, all match": "q=img",
    "q of two letters, all match": "q=g_",
    "q of two letters, no match": "q=zq",
}


def measure() -> tuple[list[Row], str]:
    """The rows, and a sentence on the conditions of the measurement."""
    with _servings() as (servings, postgres_pid):
        million = servings["1 M"]
        requests = {name: (serving, _repeated("/api/list")) for name, serving in servings.items()}
        requests["DRF"] = (million, _repeated("/drf/list"))
        requests["DRF plain"] = (million, _repeated("/drf/plain"))
        for depth in DEPTHS:
            requests[_deep(depth)] = (million, _repeated(f"/api/list?cursor={_cursor_at(depth)}"))
        requests["gzip"] = (million, RequestSeries(("/api/list",) * REQUESTS, gzip=True))
        requests["1000"] = (million, RequestSeries(("/api/list?limit=1000",)))
        requests["DRF 1000"] = (million, RequestSeries(("/drf/list?limit=1000",)))
        for label, query in FILTERS.items():
            requests[label] = (million, RequestSeries((f"/api/list?{query.format(batch=_batch_at(DEPTH))}",)))
        costs: dict[str, list[Cost]] = {name: [] for name in requests}
        for number in range(ROUNDS + 1):
            for name, (serving, series) in requests.items():
                cost = cost_of(serving, series, postgres_pid)
                if number:  # the first round warms up
                    costs[name].append(cost)
    return _rows(costs), (
        f"Pages of 100 images with three thumbnails each. CPU time of {REQUESTS} requests, median of {ROUNDS}, "
        f"interleaved. Python {platform.python_version()}, {platform.machine()}."
    )


@contextmanager
def _servings() -> Iterator[tuple[Mapping[str, Serving], int]]:
    """A serving process for each size, and the pid of PostgreSQL."""
    from imaging import RECIPE
    from tests.support.servers import postgres

    with ExitStack() as resources:
        server = resources.enter_context(postgres())
        folder = Path(resources.enter_context(tempfile.TemporaryDirectory()))
        servings = {}
        for name, images in IMAGES.items():
            database = make_database(server.url, images, Thumbnails(SCALES, RECIPE))
            servings[name] = Serving(database, folder)
            resources.callback(servings[name].stop)
        yield servings, server.pid


def _repeated(target: str) -> RequestSeries:
    return RequestSeries((target,) * REQUESTS)


def _deep(depth: int) -> str:
    return f"deep {depth}"


def _cursor_at(depth: int) -> str:
    """The cursor of the image that `depth` of the million images are newer than."""
    number = IMAGES["1 M"] - depth
    image = md5(f"image{number}".encode(), usedforsecurity=False).hexdigest()
    text = f"{(EPOCH_SECONDS + number) * 1_000_000}.{image}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _batch_at(depth: int) -> str:
    number = (IMAGES["1 M"] - depth) // IMAGES_PER_BATCH
    return str(UUID(md5(f"batch{number}".encode(), usedforsecurity=False).hexdigest()))


def _rows(costs: Mapping[str, list[Cost]]) -> list[Row]:
    serving = {name: median(one.serving_seconds for one in some) for name, some in costs.items()}
    # Only the database's share could grow with the number of rows.
    both = {name: median(one.both_seconds for one in some) for name, some in costs.items()}
    wall = {name: median(one.wall_seconds for one in some) for name, some in costs.items()}
    growth, deep = both["1 M"] / both["1 k"], both[_deep(DEPTH)] / both["1 M"]
    gzip_share = costs["gzip"][0].body_bytes / costs["1 M"][0].body_bytes
    rows = [
        at_least(
            "list", "less CPU than DRF's ModelSerializer, 1 M", serving["DRF plain"] / serving["1 M"], 3
        ),
        at_least("list", "the same, with a URL for each file", serving["DRF"] / serving["1 M"], 3),
        reported("list", "the same, with limit=1000", serving["DRF 1000"] / serving["1000"], "x"),
        at_most("list", "1 M against 1 k, with PostgreSQL's CPU", growth, 1.2),
        at_most("list", f"from the {DEPTH:,}th on against the first page, with PostgreSQL's CPU", deep, 1.2),
        at_most("list", "gzip against plain, bytes", gzip_share, 0.25),
        reported("list", "gzip against plain, CPU", serving["gzip"] / serving["1 M"], "x"),
    ]
    for label, name in {"ours, 1 M": "1 M", "DRF with URLs, 1 M": "DRF", "DRF, 1 M": "DRF plain"}.items():
        rows.append(reported("list", f"CPU a page, {label}", serving[name] / REQUESTS * 1e3, "ms"))
        rows.append(
            reported("list", f"CPU a page with PostgreSQL's, {label}", both[name] / REQUESTS * 1e3, "ms")
        )
    rows += [reported("list", "CPU of limit=1000, ours", serving["1000"] * 1e3, "ms")]
    in_all = {images: both[name] / REQUESTS * 1e3 for name, images in IMAGES.items()}
    rows += [
        point("list", "CPU a page out of {} images, with PostgreSQL's", at, ms, "ms")
        for at, ms in in_all.items()
    ]
    at_depth = {depth: both[_deep(depth)] / REQUESTS * 1e3 for depth in DEPTHS}
    line = "CPU a page from image {} on, with PostgreSQL's"
    rows += [point("list", line, at, ms, "ms") for at, ms in {1: in_all[IMAGES["1 M"]], **at_depth}.items()]
    given_up = "for orientation; the site gives up at 3,000 ms"
    return rows + [
        reported("list", f"1 M, wall time, {label}", wall[label] * 1e3, "ms", given_up) for label in FILTERS
    ]
