"""Any pixel layout a decoder may give, made plain: RGB, L, CMYK or LAB of eight bits, opaque on white.

Owns what each Pillow mode means. Must not convert between colour spaces through profiles. Used by render.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from PIL import Image

from .errors import decoding

_WHITE: dict[str, float | tuple[float, ...]] = {"L": 255, "RGB": (255, 255, 255)}
_PLAIN_MODES = frozenset({"L", "RGB", "CMYK", "LAB"})
_SIXTEEN_BIT_MODES = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
_BAND_PIXELS = 1 << 18  # a band of 1 MB stays in the processor's cache between its conversions


@dataclass(frozen=True)
class Levels:
    """How values of more than eight bits become 0..255: `value * scale + offset`."""

    scale: float
    offset: float


def levels_of(image: Image.Image) -> Levels | None:
    """The levels of a whole decoded picture, None where it has eight bits.

    16 bits are 0..65535, so black stays black. 32-bit integers and floats have no such range: their own is spread.
    """
    if image.mode in _SIXTEEN_BIT_MODES:
        return _SIXTEEN_BITS
    if image.mode not in ("I", "F"):
        return None
    low, high = cast("tuple[float, float]", image.getextrema())
    if image.mode == "I" and low >= 0 and high <= 65_535:
        return _SIXTEEN_BITS if high > 255 else Levels(1, 0)
    if not low < high:  # one even tone, or NaN
        return Levels(0, 128)
    scale = 255 / (high - low)
    return Levels(scale, -low * scale)


_SIXTEEN_BITS = Levels(1 / 257, 0.5)  # 65535 / 257 = 255; the half rounds, for the conversion cuts off


def plain(image: Image.Image, levels: Levels | None) -> Image.Image:
    """`image` in one of the plain modes, composited on white where it is transparent."""
    if levels is not None:
        return _eight_bits(image, levels)
    if image.mode == "P" or _is_transparent(image):
        return _on_white(image)
    if image.mode in _PLAIN_MODES:
        return image
    return _converted(image, "L" if image.mode == "1" else "RGB")


def shrink(image: Image.Image, factor: int) -> Image.Image:
    """`image` made plain and averaged down by a whole `factor`, band by band.

    No second copy of the whole picture is ever held: a 100-megapixel RGBA stays at its own 400 MB.
    """
    levels = levels_of(image)
    if factor == 1:
        return plain(image, levels)
    width, height = image.size
    rows = rows_of_a_band(width, factor)
    cut = (image.crop((0, top, width, min(height, top + rows))) for top in range(0, height, rows))
    return shrink_bands((plain(band, levels) for band in cut), image.size, factor)


def rows_of_a_band(width: int, factor: int) -> int:
    """How many rows to make plain at once: a multiple of `factor`."""
    return max(1, _BAND_PIXELS // (width * factor)) * factor


def shrink_bands(bands: Iterable[Image.Image], size: tuple[int, int], factor: int) -> Image.Image:
    """A picture of that size, in plain bands of `rows_of_a_band` of which the last may be lower, averaged down."""
    parts = (band.reduce(factor) for band in bands)
    first = next(parts)
    small = Image.new(first.mode, (-(-size[0] // factor), -(-size[1] // factor)), None)
    small.paste(first)
    top = first.height
    for part in parts:
        small.paste(part, (0, top))
        top += part.height
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
    wanted = "LA" if image.mode in ("LA", "La", "L", "1") else "RGBA"
    layered = image if image.mode == wanted else _converted(image, wanted)
    alpha = layered.getchannel("A")
    opaque = layered.convert("L" if wanted == "LA" else "RGB")
    return opaque if alpha.getextrema()[0] == 255 else _composite(opaque, alpha)


def _is_transparent(image: Image.Image) -> bool:
    with decoding():  # reads the palette that came with the file
        return image.has_transparency_data


def _converted(image: Image.Image, mode: str) -> Image.Image:
    with decoding():  # uses the palette and the transparent colour that came with the file
        return image.convert(mode)


def _composite(colour: Image.Image, alpha: Image.Image) -> Image.Image:
    white = Image.new(colour.mode, colour.size, _WHITE[colour.mode])
    white.paste(colour, mask=alpha)
    return white
