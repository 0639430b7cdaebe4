"""A gallery page with all thumbnails: which server its images are fetched from, the `warm` rows.

    python benchmarks/run.py warm

40 images are uploaded and processed; a page of the list is fetched, then every image URL in it. A request to an API
path counts as one to the app, also if the response is a redirect.
"""

from __future__ import annotations

import platform
import tempfile
from pathlib import Path
from uuid import uuid4

import httpx
from results import Row, exactly, reported
from samples import make_samples
from sites import site

IMAGES = 40
LABELS = 3
_APP = "/api/"
_FOR_A_YEAR = {"public", "max-age=31536000", "immutable"}
_FINISH_SECONDS = 60


def measure() -> tuple[list[Row], str]:
    """The rows, and a sentence on the conditions of the measurement."""
    with site() as running, running.client() as client:
        _upload(client)
        page = client.get("/api/list", params={"limit": IMAGES})
        urls = [url for image in page.json() for url in image["thumbnails"].values()]
        pictures = [client.get(url, follow_redirects=True) for url in urls]
        repeated = client.get(
            "/api/list", params={"limit": IMAGES}, headers={"If-None-Match": page.headers["etag"]}
        )
    requests = [one for picture in pictures for one in (*picture.history, picture)]
    to_app = sum(one.url.path.startswith(_APP) for one in requests)
    cacheable = sum(_is_cacheable(picture) for picture in pictures)
    due = IMAGES * LABELS
    rows = [
        exactly("warm", "requests to the app for pictures", to_app, 0),
        exactly("warm", "pictures served", len(pictures), due),
        exactly("warm", "pictures that may be cached for a year", cacheable, due),
        exactly("warm", "status of the list requested again with its ETag", repeated.status_code, 304),
        reported("warm", "bytes of the page's list, gzip", _wire_bytes(page), "B"),
    ]
    return rows, (
        f"{IMAGES} images like a phone's, {LABELS} labels, on a started site with PostgreSQL and Redis. "
        f"Counts, no times. Python {platform.python_version()}, {platform.machine()}."
    )


def _upload(client: httpx.Client) -> None:
    """Upload the samples repeatedly until there are enough images, and wait until all are completed."""
    batch = str(uuid4())
    with tempfile.TemporaryDirectory() as folder:
        contents = [(path.name, path.read_bytes()) for path in make_samples(Path(folder), 4, seed=1)]
    for number in range(IMAGES // len(contents)):
        files = [("images", (f"{number}-{name}", content)) for name, content in contents]
        client.post("/api/async/batch/upload", params={"batch": batch}, files=files).raise_for_status()
    for _ in range(5):
        state = client.get(f"/api/batches/{batch}", params={"wait": _FINISH_SECONDS}, timeout=90).json()
        if state["counts"] == {"completed": IMAGES}:
            return
    raise RuntimeError(f"The images were not completed: {state['counts']}")


def _is_cacheable(picture: httpx.Response) -> bool:
    directives = {part.strip() for part in picture.headers.get("cache-control", "").split(",")}
    return picture.status_code == 200 and directives == _FOR_A_YEAR


def _wire_bytes(page: httpx.Response) -> int:
    return int(page.headers["content-length"])
