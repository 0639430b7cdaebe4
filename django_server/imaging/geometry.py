"""Arithmetic on image sizes, in pixels. Pure: must not know Pillow.

Called by `render` and by code that computes a thumbnail's size before it exists.
"""

# libjpeg's limit for an edge (JPEG_MAX_DIMENSION).
MAX_JPEG_EDGE_PX = 65_500

# EXIF orientations that swap width and height (Exif 2.32, tag 0x0112).
ROTATED_ORIENTATIONS = frozenset({5, 6, 7, 8})


def fit(width: int, height: int, scale_px: int) -> tuple[int, int]:
    """The size of a `width` x `height` image after reducing its longest edge to `scale_px`.

    Keeps the aspect ratio, never enlarges, and never makes an edge shorter than 1 px. Raises ValueError if an argument
    is below 1.
    """
    if width < 1 or height < 1 or scale_px < 1:
        raise ValueError(f"sizes start at 1: {width} x {height} into {scale_px}")
    longest = max(width, height)
    if longest <= scale_px:
        return width, height
    # Integer arithmetic, rounded half up: with floats the result for very long edges can be one pixel off.
    return (
        max(1, (2 * width * scale_px + longest) // (2 * longest)),
        max(1, (2 * height * scale_px + longest) // (2 * longest)),
    )


def upright(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Convert a stored size to the displayed size, or back: the orientations 5 to 8 swap width and height."""
    return (height, width) if orientation in ROTATED_ORIENTATIONS else (width, height)


def reduction_factor(size: tuple[float, float], target: tuple[int, int], gap: int) -> int:
    """The largest integer by which `size` can be divided so that it remains at least `gap` times `target`."""
    return max(1, int(min(size[0] / target[0], size[1] / target[1]) / gap))
