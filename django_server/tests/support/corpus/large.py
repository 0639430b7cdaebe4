"""Images of hundreds of megapixels in files of a few megabytes: the four quadrants, as TIFF and as PNG.

Memory: a few rows. Used by the tests of large images.
"""

import io
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from . import raw_png, raw_tiff
from .pictures import QUADRANTS, saved

Encode = Callable[[bytes, tuple[int, int]], bytes]
"""Compresses the raw samples of a piece of the given width and height."""

Colours = Sequence[Sequence[int]]
"""Samples 0..255 of the quadrants, row by row."""

_PNG_ROWS = 64


def quadrant_tiff(
    path: Path,
    size: tuple[int, int],
    piece: tuple[int, int],
    *,
    compression: int = raw_tiff.DEFLATE,
    photometric: int = raw_tiff.RGB,
    depth: int = 8,
    colours: Colours = QUADRANTS,
    tiled: bool = False,
    more: raw_tiff.Tags | None = None,
) -> None:
    """A TIFF of strips as wide as the image, or of tiles. Half the image must be a whole number of pieces."""
    encode = _ENCODERS[compression]
    samples = len(colours[0])
    made: dict[tuple[bool, bool], bytes] = {}

    def piece_at(left: int, top: int) -> bytes:
        right, lower = 2 * left >= size[0], 2 * top >= size[1]
        if (right, lower) not in made:
            sides = (right, right) if tiled else (False, True)
            one, other = (_pixel(colours[2 * lower + side], depth, "little") for side in sides)
            row = one * (piece[0] // 2) + other * (piece[0] - piece[0] // 2)
            made[right, lower] = encode(row * piece[1], piece)
        return made[right, lower]

    tags: raw_tiff.Tags = {
        258: [depth] * samples, 259: [compression], 262: [photometric], 277: [samples], **(more or {}),
    }  # fmt: skip
    raw_tiff.write(path, size, piece, piece_at, tags, tiled=tiled)


def quadrant_png(
    path: Path,
    size: tuple[int, int],
    *,
    depth: int = 8,
    colours: Colours = QUADRANTS,
    interlaced: bool = False,
    before: bytes = b"",
) -> None:
    """`before`: chunks before the pixels. `interlaced` sets the flag only: the pixels are not in seven passes."""
    colour = {1: raw_png.GRAY, 3: raw_png.RGB, 4: raw_png.RGBA}[len(colours[0])]
    half = size[0] // 2
    with path.open("wb") as file:
        file.write(raw_png.header(*size, depth, colour, interlaced=interlaced) + before)
        checksum = 1
        file.write(raw_png.chunk(b"IDAT", b"\x78\x01"))
        for lower in (False, True):
            left, right = (_pixel(colours[2 * lower + side], depth, "big") for side in (False, True))
            row = b"\0" + left * half + right * (size[0] - half)
            rows_left = size[1] - size[1] // 2 if lower else size[1] // 2
            made: dict[int, bytes] = {}
            while rows_left:
                rows = min(_PNG_ROWS, rows_left)
                if rows not in made:
                    made[rows] = raw_png.chunk(b"IDAT", _apart(row * rows))
                file.write(made[rows])
                checksum = zlib.adler32(row * rows, checksum)
                rows_left -= rows
        file.write(raw_png.chunk(b"IDAT", b"\x03\x00" + checksum.to_bytes(4, "big")))
        file.write(raw_png.chunk(b"IEND", b""))


def _pixel(colour: Sequence[int], depth: int, order: Literal["little", "big"]) -> bytes:
    factor = 257 if depth == 16 else 1
    return b"".join((value * factor).to_bytes(depth // 8, order) for value in colour)


def _apart(raw: bytes) -> bytes:
    """A part of a deflate stream without references to earlier data, so that it can be repeated."""
    deflate = zlib.compressobj(1, zlib.DEFLATED, -15)
    return deflate.compress(raw) + deflate.flush(zlib.Z_FULL_FLUSH)


def _lzw(raw: bytes, piece: tuple[int, int]) -> bytes:
    # Pillow only writes whole files: this is the one strip of a file of the same bytes.
    rows = piece[1]
    gray = Image.frombytes("L", (len(raw) // rows, rows), raw)
    data = saved(gray, "TIFF", compression="tiff_lzw", tiffinfo={278: rows})
    with TiffImageFile(io.BytesIO(data)) as written:
        (offset,), (length,) = written.tag_v2[273], written.tag_v2[279]
    return data[offset : offset + length]


def _jpeg(raw: bytes, piece: tuple[int, int]) -> bytes:
    return saved(Image.frombytes("RGB", piece, raw), "JPEG", quality=95, subsampling=0, keep_rgb=True)


_ENCODERS: dict[int, Encode] = {
    raw_tiff.UNCOMPRESSED: lambda raw, _: raw,
    raw_tiff.LZW: _lzw,
    raw_tiff.JPEG: _jpeg,
    raw_tiff.DEFLATE: lambda raw, _: zlib.compress(raw, 1),
}
