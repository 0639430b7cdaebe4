"""Write PNG files byte by byte (PNG specification, third edition), for files that Pillow would not write.

Owns chunks, bit depths and interlacing. Used by the corpus.
"""

import struct
import zlib
from collections.abc import Iterable, Sequence

GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# x start, y start, x step, y step of the seven passes of Adam7.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))

Samples = Sequence[Sequence[Sequence[int]]]
"""Rows of pixels of samples."""


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def header(width: int, height: int, depth: int, colour: int, *, interlaced: bool = False) -> bytes:
    return _SIGNATURE + chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    )


def write(
    pixels: Samples,
    depth: int,
    colour: int,
    *,
    before: bytes = b"",
    after: bytes = b"",
    interlaced: bool = False,
) -> bytes:
    """A PNG of `pixels`. `before` and `after`: chunks around the pixel data."""
    passes = _PASSES if interlaced else ((0, 0, 1, 1),)
    raw = bytearray()
    for left, top, across, down in passes:
        for row in pixels[top::down]:
            part = row[left::across]
            if part:
                raw += b"\0" + _packed([sample for pixel in part for sample in pixel], depth)
    return (
        header(len(pixels[0]), len(pixels), depth, colour, interlaced=interlaced)
        + before
        + chunk(b"IDAT", zlib.compress(bytes(raw), 9))
        + after
        + chunk(b"IEND", b"")
    )


def _packed(samples: list[int], depth: int) -> bytes:
    if depth == 16:
        return struct.pack(f">{len(samples)}H", *samples)
    bits = "".join(format(sample, f"0{depth}b") for sample in samples)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def claim(width: int, height: int, *, data: bytes = b"") -> bytes:
    """A 1-bit PNG that claims a size. `data`: its compressed rows."""
    return header(width, height, 1, GRAY) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def animated(frames: Iterable[bytes], width: int, height: int, count: int) -> bytes:
    """An animation of 8-bit gray `frames` (each width x height bytes): acTL, fcTL, IDAT/fdAT."""
    out = [header(width, height, 8, GRAY), chunk(b"acTL", struct.pack(">II", count, 0))]
    sequence = 0
    for index, frame in enumerate(frames):
        out.append(chunk(b"fcTL", struct.pack(">5I2H2B", sequence, width, height, 0, 0, 1, 25, 0, 0)))
        sequence += 1
        rows = b"".join(b"\0" + frame[y * width : (y + 1) * width] for y in range(height))
        if index == 0:
            out.append(chunk(b"IDAT", zlib.compress(rows)))
        else:
            out.append(chunk(b"fdAT", struct.pack(">I", sequence) + zlib.compress(rows)))
            sequence += 1
    return b"".join([*out, chunk(b"IEND", b"")])
