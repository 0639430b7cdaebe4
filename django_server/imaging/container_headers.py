"""Read the header structure of PNG, GIF, WebP and TIFF files by seeking, without decoding pixels.

Limits the number of chunks, blocks and tags that are read, so that a header with millions of them does not cost
seconds. Called by `probe`.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

from .errors import CorruptImage

_MAX_PNG_CHUNKS = 10_000  # chunks before the pixels; editors write about 10
_MAX_TIFF_TAGS = 4_096  # the baseline and extension sets together define about 100
_MAX_GIF_BLOCKS = 200_000  # blocks of up to 255 bytes, 50 MB in all, are read in 0.1 s
# 1 MB of comments before the first frame: Pillow joins comments in quadratic time.
_MAX_GIF_PREAMBLE_BLOCKS = 4_096
_MAX_WEBP_CHUNKS = 100_000


def png_frames(source: BinaryIO) -> int:
    """The number of frames according to a PNG's animation header; 1 without that header. Raises CorruptImage."""
    source.seek(8)
    frames = 1
    for _ in range(_MAX_PNG_CHUNKS):
        head = source.read(8)
        if len(head) < 8:
            break
        length, name = int.from_bytes(head[:4], "big"), head[4:]
        if name == b"IDAT":
            return frames
        if name == b"acTL":
            frames = max(1, int.from_bytes(source.read(4), "big"))
            source.seek(-4, 1)
        source.seek(length + 4, 1)
    raise CorruptImage


def gif_frames(source: BinaryIO) -> int:
    """Count the frames of a GIF in its first 200,000 blocks. Raises CorruptImage if there is no frame."""
    source.seek(0)
    head = source.read(13)
    if len(head) < 13:
        raise CorruptImage
    if head[10] & 0x80:
        source.seek(3 << ((head[10] & 7) + 1), 1)
    frames = 0
    blocks = 0
    while blocks < _MAX_GIF_BLOCKS:
        blocks += 1
        introducer = source.read(1)
        if introducer == b"!":
            source.seek(1, 1)
        elif introducer == b",":
            descriptor = source.read(9)
            if len(descriptor) < 9:
                break
            if descriptor[8] & 0x80:
                source.seek(3 << ((descriptor[8] & 7) + 1), 1)
            source.seek(1, 1)
            frames += 1
        elif introducer in (b";", b""):
            break
        else:
            continue  # A stray byte. Pillow skips it, too.
        while blocks < _MAX_GIF_BLOCKS and (size := source.read(1)) not in (b"\0", b""):
            source.seek(size[0], 1)
            blocks += 1
        if frames == 0 and blocks > _MAX_GIF_PREAMBLE_BLOCKS:
            break
    if frames == 0:
        raise CorruptImage
    return frames


@dataclass(frozen=True)
class WebpHeader:
    """`width` and `height`: size in pixels before the EXIF orientation is applied. `exif`: the EXIF block, or None."""

    width: int
    height: int
    frames: int
    alpha: bool
    exif: bytes | None


def read_webp_header(source: BinaryIO) -> WebpHeader:
    """Size, frames, alpha and EXIF of a WebP (RFC 9649). Raises CorruptImage if the file is damaged or truncated."""
    source.seek(0, 2)
    end = source.tell()
    source.seek(4)
    if int.from_bytes(source.read(4), "little") + 8 > end:
        raise CorruptImage
    source.seek(12)
    size: tuple[int, int] | None = None
    alpha = False
    frames = 0
    exif: bytes | None = None
    for _ in range(_MAX_WEBP_CHUNKS):
        head = source.read(8)
        if len(head) < 8:
            break
        name, length = head[:4], int.from_bytes(head[4:], "little")
        body = source.tell()
        if name == b"VP8X":
            flags, width, height = struct.unpack("<B3x3s3s", source.read(10))
            size = (int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1)
            alpha = bool(flags & 0x10)
        elif name == b"VP8 " and size is None:
            width, height = struct.unpack("<6xHH", source.read(10))
            size = (width & 0x3FFF, height & 0x3FFF)
        elif name == b"VP8L" and size is None:
            (bits,) = struct.unpack("<xI", source.read(5))
            size = ((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1)
            alpha = bool(bits >> 28 & 1)
        elif name == b"ANMF":
            frames += 1
        elif name == b"EXIF" and exif is None:
            exif = source.read(min(length, 1 << 16))
        source.seek(body + length + (length & 1))
    if size is None or min(size) < 1:
        raise CorruptImage
    return WebpHeader(*size, frames=max(1, frames), alpha=alpha, exif=exif)


def check_tiff_directory(source: BinaryIO) -> None:
    """Reject a first directory of more than 4,096 tags, because Pillow reads it tag by tag.

    Raises CorruptImage; struct.error if the header is too short.
    """
    source.seek(0)
    head = source.read(16)
    order = "<" if head[:2] == b"II" else ">"
    is_bigtiff = head[2:4] in (b"+\0", b"\0+")
    (directory_at,) = struct.unpack_from(order + ("Q" if is_bigtiff else "I"), head, 8 if is_bigtiff else 4)
    source.seek(directory_at)
    (count,) = struct.unpack(order + ("Q" if is_bigtiff else "H"), source.read(8 if is_bigtiff else 2))
    if count > _MAX_TIFF_TAGS:
        raise CorruptImage
