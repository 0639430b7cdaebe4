"""Decode an image too large for a full decode in strips with libvips, with the same pixels as Pillow.

The only user of pyvips, which is imported at the first such image: most runs have none, the server never has one, and
libvips does not survive a fork. Called by `render`.
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
    """Decode the image in `source`, as stored, in strips of `rows` rows from the top; the last may be lower.

    `image` is the same image opened by Pillow and not decoded, a TIFF or PNG that `check_strip_decodable` accepted.
    Pillow decides the meaning of colours and transparency: a transparent colour becomes alpha, 16-bit samples of
    colour images keep their upper 8 bits. Raises CorruptImage, TooManyPixels if pyvips is not installed, and the
    exceptions of reading `source`.
    """
    vips = load_pyvips()
    reading = _SourceReader(source)
    custom = vips.SourceCustom()
    custom.on_read(reading.read)
    custom.on_seek(reading.seek)
    # The loader is named, so that none of libvips' other loaders sees a byte.
    load = vips.Image.tiffload_source if image.format == "TIFF" else vips.Image.pngload_source
    try:
        with decoding():
            stored = load(custom, access="sequential", fail_on="error")
        picture, mode = _match_pillow_layout(stored, image)
        region = vips.Region.new(picture)
        for top in range(0, picture.height, rows):
            size = (picture.width, min(rows, picture.height - top))
            with decoding():
                pixels = region.fetch(0, top, *size)
            yield Image.frombuffer(mode, size, pixels, "raw", mode, 0, 1)
    except vips.Error as failure:
        with decoding():
            raise (reading.failure or CorruptImage()) from failure


class _SourceReader:
    """File callbacks for libvips. `failure`: the read error, which libvips sees as the end of the file."""

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
    # Each image is read once from its top: libvips' cache would never be used.
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)
    return pyvips


def _match_pillow_layout(stored: "pyvips.Image", image: ImageFile.ImageFile) -> tuple["pyvips.Image", str]:
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
