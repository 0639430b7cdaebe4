"""Bands of a picture too large to be decoded whole, from libvips, as Pillow would have decoded them.

Owns everything that touches pyvips, which is imported when the first such picture is met: most runs see none, the
server never does, and libvips does not survive a fork. Used by render.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO

from PIL import Image, ImageFile

from .errors import CorruptImage, TooManyPixels, decoding

if TYPE_CHECKING:
    import pyvips

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def bands(source: BinaryIO, image: ImageFile.ImageFile, rows: int) -> Iterator[Image.Image]:
    """The picture in `source`, as stored, in bands of `rows` rows from the top; the last may be lower.

    `image` is the same picture, open and not decoded, a TIFF or PNG that `banded` lets pass: what its colours and its
    transparency mean is Pillow's word. A transparent colour comes as alpha, 16 bits of several samples as the upper
    8. Raises CorruptImage, TooManyPixels where pyvips is not installed, and what reading `source` raises.
    """
    vips = library()
    reading = _Reading(source)
    custom = vips.SourceCustom()
    custom.on_read(reading.read)
    custom.on_seek(reading.seek)
    # The loader is named, so that no other one of libvips' many ever sees a byte.
    load = vips.Image.tiffload_source if image.format == "TIFF" else vips.Image.pngload_source
    try:
        with decoding():
            stored = load(custom, access="sequential", fail_on="error")
        picture, mode = _as_pillow_has_it(stored, image)
        region = vips.Region.new(picture)
        for top in range(0, picture.height, rows):
            size = (picture.width, min(rows, picture.height - top))
            with decoding():
                pixels = region.fetch(0, top, *size)
            yield Image.frombuffer(mode, size, pixels, "raw", mode, 0, 1)
    except vips.Error as failure:
        with decoding():
            raise (reading.failure or CorruptImage()) from failure


class _Reading:
    """A file as libvips asks for it. `failure`: why it could not be read; for libvips it ended there."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self.failure: OSError | None = None

    def read(self, byte_size: int) -> bytes:
        try:
            return self._source.read(byte_size)
        except OSError as failure:
            self.failure = failure
            return b""

    def seek(self, offset: int, whence: int) -> int:
        return self._source.seek(offset, whence)


@lru_cache
def library() -> Any:
    """pyvips, set up when first asked for. Raises TooManyPixels where it is not installed."""
    try:
        import pyvips
    except (ImportError, OSError) as failure:  # OSError: pyvips without the libvips that it binds
        raise TooManyPixels(
            "This image has too many pixels to be decoded whole, and pyvips, which decodes in bands, is not installed."
        ) from failure
    # One picture is read once, from its top: what libvips would remember of it is never asked for again.
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)
    return pyvips


def _as_pillow_has_it(stored: "pyvips.Image", image: ImageFile.ImageFile) -> tuple["pyvips.Image", str]:
    if (stored.width, stored.height) not in (image.size, image.size[::-1]):
        raise CorruptImage
    colours = 4 if image.mode == "CMYK" else 1 if stored.bands < 3 else 3
    samples = min(stored.bands, colours + image.has_transparency_data)
    picture = stored.extract_band(0, n=samples) if samples < stored.bands else stored
    if picture.format == "ushort" and samples == 1:
        return picture, "I;16"
    if picture.format == "ushort":
        picture = picture.cast("uchar", shift=True)
    if picture.format != "uchar" or samples not in _MODES:
        raise CorruptImage
    return picture, "CMYK" if image.mode == "CMYK" else _MODES[samples]
