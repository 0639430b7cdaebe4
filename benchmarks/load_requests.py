"""Requests of a load test: image uploads, list pages at random cursors, thumbnails. Seeded.

Owns the requests. Must not send any. Used by load.py.
"""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx
from scenes import make_photo

PATHS = {"upload": "/api/upload", "async": "/api/async/upload", "batch": "/api/async/batch/upload"}
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".avif"}
_LIST = "/api/list"
# Maximum number of remembered cursors: enough for random jumps in a list of any length.
_MAX_TARGETS = 10_000
_GENERATED = 8


class Requests(Protocol):
    """A source of requests that takes cursors from the responses."""

    def next(self, client: httpx.AsyncClient) -> httpx.Request: ...

    def learn(self, answer: httpx.Response) -> None: ...


@dataclass(frozen=True)
class Picture:
    """A file to upload."""

    name: str
    content: bytes


def pictures_of(folder: Path) -> list[Picture]:
    """The images of a folder, by name. Raises ValueError if there are none."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    if not paths:
        raise ValueError(f"There are no images in {folder}.")
    return [Picture(path.name, path.read_bytes()) for path in paths]


def generated_pictures(megapixels: float, seed: int) -> list[Picture]:
    """A few different photo-like JPEGs with an aspect ratio of 3:2."""
    height = max(8, round((megapixels * 1e6 * 2 / 3) ** 0.5))
    pictures = []
    for number in range(_GENERATED):
        out = io.BytesIO()
        make_photo(height * 3 // 2, height, seed + number).save(out, "JPEG", quality=88)
        pictures.append(Picture(f"load-{number}.jpg", out.getvalue()))
    return pictures


@dataclass
class Uploads:
    """Requests with `per_request` images each, until `left` images are sent."""

    endpoint: str
    pictures: Sequence[Picture]
    per_request: int
    left: int
    sent: int = 0

    @property
    def requests(self) -> int:
        return -(-self.left // self.per_request)

    def next(self, client: httpx.AsyncClient) -> httpx.Request:
        number = min(self.per_request, self.left - self.sent)
        chosen = [self.pictures[(self.sent + index) % len(self.pictures)] for index in range(number)]
        self.sent += number
        form_field = "image" if self.endpoint == "upload" else "images"
        files = [(form_field, (picture.name, picture.content)) for picture in chosen]
        return client.build_request("POST", PATHS[self.endpoint], files=files)

    def learn(self, answer: httpx.Response) -> None:
        pass


@dataclass
class Lists:
    """Pages of the list: the first, and those that earlier responses link to."""

    page: int
    chance: random.Random
    targets: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.targets.append(f"{_LIST}?limit={self.page}")

    def next(self, client: httpx.AsyncClient) -> httpx.Request:
        return client.build_request("GET", self.chance.choice(self.targets))

    def learn(self, answer: httpx.Response) -> None:
        following = answer.links.get("next", {}).get("url")
        if following and len(self.targets) < _MAX_TARGETS and following not in self.targets:
            self.targets.append(following)


@dataclass
class Thumbnails:
    """Thumbnails of the images of `listed`, a response of the list. Raises ValueError if it has none."""

    listed: Any
    chance: random.Random
    targets: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        try:
            maps = [image["thumbnails"] for image in self.listed]
            self.targets = [url for urls in maps if urls for url in urls.values()]
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError("The response of the list has no thumbnails in the expected form.") from error
        if not self.targets:
            raise ValueError("No image of the list has thumbnails.")

    def next(self, client: httpx.AsyncClient) -> httpx.Request:
        return client.build_request("GET", self.chance.choice(self.targets))

    def learn(self, answer: httpx.Response) -> None:
        pass
