"""Decide which files are images, and which original a thumbnail's name belongs to. Pure.

A thumbnail's name: any text, `_`, ASCII digits, one extension. The last `_digits` is the scale.
"""

import re

EXTENSIONS = frozenset({"jpg", "jpeg", "png", "gif", "tif", "tiff", "bmp"})
LEGACY_SCALE = 0
"""The scale of a file under `thumbnails/` with its original's own name."""

_THUMBNAIL = re.compile(r"(.*)_([0-9]+)(\.[^.]*)", re.DOTALL)


def is_image(name: str) -> bool:
    """Whether the last extension, in any case, is an image's."""
    dot = name.rfind(".")
    return dot > 0 and name[dot + 1 :].lower() in EXTENSIONS


def original_of(name: str) -> tuple[str, int]:
    """The name of the original that the thumbnail `name` belongs to, and the scale in pixels.

    `big_200_200.jpg` belongs to `big_200.jpg`; `x_0200.jpg` has 200 pixels; a name without a scale is legacy.
    """
    match = _THUMBNAIL.fullmatch(name)
    if match is None or not match[1]:
        return name, LEGACY_SCALE
    return match[1] + match[3], int(match[2])
