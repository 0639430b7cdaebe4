"""Sizes of pictures as pure arithmetic: pixels in, pixels out. Owns how a picture is fitted into a scale.

Must not know Pillow. Used by render, and by whoever wants to know a thumbnail's size beforehand.
"""

# libjpeg writes no edge above 65,500 (JPEG_MAX_DIMENSION).
JPEG_EDGE_PX = 65_500

# EXIF orientations that exchange width and height (Exif 2.32, tag 0x0112).
ROTATED_ORIENTATIONS = frozenset({5, 6, 7, 8})


def fit(width: int, height: int, scale_px: int) -> tuple[int, int]:
    """The size of a `width` x `height` picture whose longest edge is brought down to `scale_px`.

    Aspect is kept, nothing is enlarged, no edge falls below 1 px. Raises ValueError if any number is below 1.
    """
    if width < 1 or height < 1 or scale_px < 1:
        raise ValueError(f"sizes start at 1: {width} x {height} into {scale_px}")
    longest = max(width, height)
    if longest <= scale_px:
        return width, height
    # Integers, rounding half up: floats lose the last pixel of very long edges.
    return (
        max(1, (2 * width * scale_px + longest) // (2 * longest)),
        max(1, (2 * height * scale_px + longest) // (2 * longest)),
    )


def upright(width: int, height: int, orientation: int) -> tuple[int, int]:
    """The size as displayed of a picture stored as `width` x `height`; its own inverse."""
    return (height, width) if orientation in ROTATED_ORIENTATIONS else (width, height)


def reduction_factor(size: tuple[float, float], wanted: tuple[int, int], gap: int) -> int:
    """The largest whole factor by which `size` may be averaged down and still be `gap` times as large as `wanted`."""
    return max(1, int(min(size[0] / wanted[0], size[1] / wanted[1]) / gap))
