"""Resizing with little memory. Owns how a resize is cut into strips; must not know what is resized or why.

Used by render for its first and largest step.
"""

from PIL import Image

_STRIP_ROWS = 128


def resize_in_strips(
    image: Image.Image,
    size: tuple[int, int],
    kernel: Image.Resampling,
    region: tuple[float, float, float, float],
) -> Image.Image:
    """`region` (left, top, right, bottom) of `image`, resized to `size` as Image.resize does, but for its rounding.

    Pillow's filters reach beyond the box they are given, so strips leave no seams. In one piece it holds a picture
    of the new width and the old height besides; the pages of that cost 10 ms a 12-megapixel photo to fetch.
    """
    left, top, right, bottom = region
    step = (bottom - top) / size[1]
    out = Image.new(image.mode, size, None)
    for row in range(0, size[1], _STRIP_ROWS):
        end = min(size[1], row + _STRIP_ROWS)
        box = (left, top + row * step, right, min(bottom, top + end * step))
        out.paste(image.resize((size[0], end - row), kernel, box=box), (0, row))
    return out
