"""Resize with little memory, in strips. Must not know the purpose of an image.

Called by `render` for its first and largest step.
"""

from PIL import Image

_STRIP_ROWS = 128


def resize_in_strips(
    image: Image.Image,
    size: tuple[int, int],
    kernel: Image.Resampling,
    region: tuple[float, float, float, float],
) -> Image.Image:
    """`region` (left, top, right, bottom) of `image`, resized to `size`. Equals Image.resize except for rounding.

    Pillow's filters read pixels beyond the box, so strips leave no seams. Image.resize as a whole holds an
    intermediate image of the new width and the old height; its page faults cost 10 ms for a 12-megapixel photo.
    """
    left, top, right, bottom = region
    step = (bottom - top) / size[1]
    out = Image.new(image.mode, size, None)
    for row in range(0, size[1], _STRIP_ROWS):
        end = min(size[1], row + _STRIP_ROWS)
        box = (left, top + row * step, right, min(bottom, top + end * step))
        out.paste(image.resize((size[0], end - row), kernel, box=box), (0, row))
    return out
