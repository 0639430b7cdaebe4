"""Decide by file name whether a file is an image, and to which original a thumbnail belongs. Pure.

The name of a thumbnail is any text, `_`, ASCII digits and an extension. The last digits are the scale in pixels.
"""

import re

EXTENSIONS = frozenset({"jpg", "jpeg", "png", "gif", "tif", "tiff", "bmp"})
LEGACY_SCALE = 0
"""The scale of a thumbnail whose file name equals that of its original."""

_THUMBNAIL = re.compile(r"(.*)_([0-9]+)(\.[^.]*)", re.DOTALL)


def is_image(name: str) -> bool:
    """Whether the last extension is that of an image, in lower or upper case."""
    dot = name.rfind(".")
    return dot > 0 and name[dot + 1 :].lower() in EXTENSIONS


def original_of(name: str) -> tuple[str, int]:
    """The name of the original to which the thumbnail `name` belongs, and the scale in pixels.

    `big_200_200.jpg` belongs to `big_200.jpg`. `x_0200.jpg` has the scale 200. A name without a scale is the name of
    the original itself, and its scale is LEGACY_SCALE.
    """
    match = _THUMBNAIL.fullmatch(name)
    if match is None or not match[1]:
        return name, LEGACY_SCALE
    return match[1] + match[3], int(match[2])
