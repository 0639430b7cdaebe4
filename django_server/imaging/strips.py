"""Decode, in strips, an image that is too large for a full decode. libvips returns the same pixels as Pillow.

This is the only module that uses pyvips. It imports pyvips at the first image that needs it: most runs of pregen have
no such image, the server never has one, and libvips does not work after a fork. Called by `render`.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO

from PIL import Image, ImageFile

from .errors import CorruptImage, TooManyPixels, decoding

if TYPE_CHECKING:
    import pyvips

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


def decode_strips(source: BinaryIO, image: ImageFile.ImageFile, rows: int) -> Iterator[Image.Image]:
    """Decode the image in `source`, as stored, in strips of `rows` rows from the top; the last strip may have fewer.

    `image`: the same TIFF or PNG as opened by Pillow, not decoded. `check_strip_decodable` must have accepted it.
    Colours and transparency are converted as Pillow does: a transparent colour becomes alpha, and of the 16-bit samples
    of colour images the upper 8 bits are kept. Raises CorruptImage, TooManyPixels if pyvips is not installed, and
    OSError if `source` can't be read.
    """
    vips = load_pyvips()
    reader = _SourceReader(source)
    custom = vips.SourceCustom()
    custom.on_read(reader.read)
    custom.on_seek(reader.seek)
    # Name the loader, so that libvips does not try other loaders on a hostile file.
    load = vips.Image.tiffload_source if image.format == "TIFF" else vips.Image.pngload_source
    try:
        with decoding():
            stored = load(custom, access="sequential", fail_on="error")
        converted, mode = _match_pillow_layout(stored, image)
        region = vips.Region.new(converted)
        for top in range(0, converted.height, rows):
            size = (converted.width, min(rows, converted.height - top))
            with decoding():
                pixels = region.fetch(0, top, *size)
            yield Image.frombuffer(mode, size, pixels, "raw", mode, 0, 1)
    except vips.Error as failure:
        with decoding():
            raise (reader.failure or CorruptImage()) from failure


class _SourceReader:
    """File callbacks for libvips. If a read fails, the callback reports the end of the file and sets `failure`."""

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
def load_pyvips() -> Any:
    """Import and configure pyvips at the first call. Raises TooManyPixels if it is not installed."""
    try:
        import pyvips
    except (ImportError, OSError) as failure:  # OSError: pyvips is installed, libvips is not
        raise TooManyPixels(
            "This image has too many pixels to be decoded whole, and pyvips, which decodes in strips, is not installed."
        ) from failure
    # Each image is read once, from top to bottom, so the cache of libvips would never be used.
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)
    return pyvips


def _match_pillow_layout(stored: "pyvips.Image", image: ImageFile.ImageFile) -> tuple["pyvips.Image", str]:
    """Convert the channels to those that Pillow would decode. Also returns Pillow's mode. Raises CorruptImage."""
    if (stored.width, stored.height) not in (image.size, image.size[::-1]):
        raise CorruptImage
    colours = 4 if image.mode == "CMYK" else 1 if stored.bands < 3 else 3
    samples = min(stored.bands, colours + image.has_transparency_data)
    converted = stored.extract_band(0, n=samples) if samples < stored.bands else stored
    if converted.format == "ushort" and samples == 1:
        return converted, "I;16"
    if converted.format == "ushort":
        converted = converted.cast("uchar", shift=True)
    if converted.format != "uchar" or samples not in _MODES:
        raise CorruptImage
    return converted, "CMYK" if image.mode == "CMYK" else _MODES[samples]
