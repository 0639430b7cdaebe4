"""The ways to generate the thumbnails of one photo that render.py measures. Each runs in a process of its own.

Owns the ways. Must not measure. Used by render.py.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import simplejpeg
from PIL import Image
from sizes import QUALITY, SCALES

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "django_server"))

import imaging


@contextmanager
def _target(_label: str) -> Iterator[BinaryIO]:
    # A real file descriptor as in production, but in memory.
    with os.fdopen(os.memfd_create("thumbnail"), "w+b") as target:
        yield target


def ours(photo: bytes) -> Callable[[], object]:
    """The renderer itself."""
    return lambda: imaging.render(io.BytesIO(photo), SCALES, quality=QUALITY, open_target=_target)


def limit(photo: bytes) -> Callable[[], object]:
    """The lower bound: libjpeg-turbo's half-scale decode and the same three encodes, without resizing."""
    pictures = _sized(photo)
    width, height = pictures[0].size

    def run() -> None:
        simplejpeg.decode_jpeg(photo, min_width=width, min_height=height, min_factor=2)
        for picture in pictures:
            _encode(picture)

    return run


def naive(photo: bytes) -> Callable[[], object]:
    """Pillow as in most tutorials: a full decode, each size from the original."""

    def run() -> None:
        for picture in _sized(photo):
            _encode(picture)

    return run


def vips(photo: bytes) -> Callable[[], object]:
    """libvips, each size from the one before. Like the renderer, `thumbnail` decodes at a reduced scale if it can."""
    # One thread: more threads only add CPU for images of this size.
    os.environ["VIPS_CONCURRENCY"] = "1"
    import pyvips

    largest, *others = sorted(SCALES.values(), reverse=True)

    def run() -> None:
        picture = pyvips.Image.thumbnail_buffer(photo, largest, height=largest, size="down")
        if picture.hasalpha():
            picture = picture.flatten(background=[255, 255, 255])
        for smaller in (*others, None):
            picture = picture.copy_memory()
            picture.jpegsave_buffer(Q=QUALITY, interlace=True, subsample_mode="on", keep="none")
            if smaller:
                picture = picture.thumbnail_image(smaller, height=smaller, size="down")

    return run


def _sized(photo: bytes) -> list[Image.Image]:
    whole = Image.open(io.BytesIO(photo)).convert("RGB")
    sizes = [imaging.fit(*whole.size, scale) for scale in sorted(SCALES.values(), reverse=True)]
    return [whole.resize(size, Image.Resampling.LANCZOS) for size in sizes]


def _encode(picture: Image.Image) -> None:
    with _target("") as target:
        picture.save(target, "JPEG", quality=QUALITY, progressive=True, subsampling="4:2:0")


SUBJECTS: dict[str, Callable[[bytes], Callable[[], object]]] = {
    "ours": ours,
    "limit": limit,
    "naive": naive,
    "vips": vips,
}
