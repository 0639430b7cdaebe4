"""Convert the pixels of any Pillow mode to a plain mode: 8-bit RGB, L, CMYK or LAB, composited on white.

Knows the meaning of each Pillow mode. Must not apply colour profiles; `icc_profiles` does that. Called by `render`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from PIL import Image

from .errors import decoding

_WHITE: dict[str, float | tuple[float, ...]] = {"L": 255, "RGB": (255, 255, 255)}
_PLAIN_MODES = frozenset({"L", "RGB", "CMYK", "LAB"})
_SIXTEEN_BIT_MODES = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
_STRIP_PIXELS = 1 << 18  # a strip of 1 MB stays in the processor's cache between its conversions


@dataclass(frozen=True)
class Levels:
    """The linear map from values of more than 8 bits to 0..255: `value * scale + offset`."""

    scale: float
    offset: float


def levels_of(image: Image.Image) -> Levels | None:
    """The levels of a decoded image; None if its values have 8 bits.

    16-bit values use the range 0..65535, so that black stays black. 32-bit integers and floats have no fixed range, so
    the minimum and maximum of the image are used.
    """
    if image.mode in _SIXTEEN_BIT_MODES:
        return _SIXTEEN_BITS
    if image.mode not in ("I", "F"):
        return None
    low, high = cast("tuple[float, float]", image.getextrema())
    if image.mode == "I" and low >= 0 and high <= 65_535:
        return _SIXTEEN_BITS if high > 255 else Levels(1, 0)
    if not low < high:  # a single value, or NaN
        return Levels(0, 128)
    scale = 255 / (high - low)
    return Levels(scale, -low * scale)


_SIXTEEN_BITS = Levels(1 / 257, 0.5)  # 65535 / 257 = 255; 0.5 is added because the conversion truncates


def to_plain_mode(image: Image.Image, levels: Levels | None) -> Image.Image:
    """Convert `image` to a plain mode and composite it on white if it has transparency."""
    if levels is not None:
        return _eight_bits(image, levels)
    if image.mode == "P" or _is_transparent(image):
        return _on_white(image)
    if image.mode in _PLAIN_MODES:
        return image
    return _converted(image, "L" if image.mode == "1" else "RGB")


def shrink(image: Image.Image, factor: int) -> Image.Image:
    """Convert `image` to a plain mode and reduce it by the integer `factor`, strip by strip.

    Never makes a second copy of the whole image: a 100-megapixel RGBA image needs only its own 400 MB.
    """
    levels = levels_of(image)
    if factor == 1:
        return to_plain_mode(image, levels)
    width, height = image.size
    rows = rows_per_strip(width, factor)
    strips = (image.crop((0, top, width, min(height, top + rows))) for top in range(0, height, rows))
    return shrink_strips((to_plain_mode(strip, levels) for strip in strips), image.size, factor)


def rows_per_strip(width: int, factor: int) -> int:
    """The number of rows to convert in one step: a multiple of `factor`."""
    return max(1, _STRIP_PIXELS // (width * factor)) * factor


def shrink_strips(strips: Iterable[Image.Image], size: tuple[int, int], factor: int) -> Image.Image:
    """Reduce an image of `size` by `factor`.

    `strips`: the image in a plain mode, in strips of `rows_per_strip` rows. The last strip may have fewer rows.
    """
    reduced_strips = (strip.reduce(factor) for strip in strips)
    first = next(reduced_strips)
    small = Image.new(first.mode, (-(-size[0] // factor), -(-size[1] // factor)), None)
    small.paste(first)
    top = first.height
    for reduced in reduced_strips:
        small.paste(reduced, (0, top))
        top += reduced.height
    return small


def _eight_bits(image: Image.Image, levels: Levels) -> Image.Image:
    transparent = image.info.get("transparency")
    wide = image.convert("I") if image.mode in _SIXTEEN_BIT_MODES else image
    gray = wide.point(lambda value: value * levels.scale + levels.offset).convert("L")
    if not isinstance(transparent, int) or wide.mode != "I":
        return gray
    table = [255] * 65_536
    table[transparent & 0xFFFF] = 0
    return _composite(gray, wide.point(table, "L"))


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode == "P" and not _is_transparent(image):
        return _converted(image, "RGB")
    alpha_mode = "LA" if image.mode in ("LA", "La", "L", "1") else "RGBA"
    layered = image if image.mode == alpha_mode else _converted(image, alpha_mode)
    alpha = layered.getchannel("A")
    opaque = layered.convert("L" if alpha_mode == "LA" else "RGB")
    return opaque if alpha.getextrema()[0] == 255 else _composite(opaque, alpha)


def _is_transparent(image: Image.Image) -> bool:
    with decoding():  # reads the palette of the file
        return image.has_transparency_data


def _converted(image: Image.Image, mode: str) -> Image.Image:
    with decoding():  # uses the palette and the transparent colour of the file
        return image.convert(mode)


def _composite(colour: Image.Image, alpha: Image.Image) -> Image.Image:
    white = Image.new(colour.mode, colour.size, _WHITE[colour.mode])
    white.paste(colour, mask=alpha)
    return white
