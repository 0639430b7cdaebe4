"""Read the markers of a JPEG without decoding it: size, coding process, number of scans.

Limits the work on hostile files; Pillow's header reader would take long on them. Called by `probe`.
Markers: ITU T.81, table B.1.
"""

import re
from dataclasses import dataclass
from typing import BinaryIO

from .errors import CorruptImage

_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_START_OF_SCAN = 0xDA
_END_OF_IMAGE = 0xD9
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})

_MAX_SEGMENTS = 4_000  # segments before the first scan; a 10 MB depth map has 160 of 64 KB
# EXIF, Photoshop and quantization segments are slow to parse. Cameras write one or two of a kind.
_MAX_SEGMENTS_OF_A_KIND = 64
_MAX_JUNK_BYTES = 4_096  # stray bytes between segments

_SCAN_OR_END = re.compile(rb"\xff[\xda\xd9]")
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class JpegHeader:
    """`needs_full_buffer`: whether a decoder must keep the coefficients of the whole image in memory.

    True for a progressive JPEG, and for a JPEG whose first scan does not contain all components.
    """

    width: int
    height: int
    progressive: bool
    needs_full_buffer: bool
    first_scan_at: int


def read_header(source: BinaryIO) -> JpegHeader:
    """Read the segments up to the first scan. Raises CorruptImage."""
    source.seek(2)
    frame: tuple[int, bytes] | None = None
    junk_bytes = 0
    segment_counts = {0xE1: 0, 0xED: 0, 0xDB: 0}
    for _ in range(_MAX_SEGMENTS + _MAX_JUNK_BYTES):
        byte = source.read(1)
        if byte != b"\xff":
            junk_bytes += 1
            if not byte or junk_bytes > _MAX_JUNK_BYTES:
                break
            continue
        marker = source.read(1)[0:1] or b"\xd9"
        code = marker[0]
        if code == 0xFF:
            source.seek(-1, 1)
            continue
        if code == 0x00 or code in _WITHOUT_LENGTH:
            continue
        if code == _END_OF_IMAGE:
            break
        length = int.from_bytes(source.read(2), "big")
        if length < 2:
            break
        if code == _START_OF_SCAN:
            if frame is None:
                break
            return _header(
                frame, components_in_scan=(source.read(1) or b"\0")[0], first_scan_at=source.tell()
            )
        if code in segment_counts:
            segment_counts[code] += 1
            if segment_counts[code] > _MAX_SEGMENTS_OF_A_KIND and not _is_extended_xmp(source, length):
                break
        if code in _START_OF_FRAME:
            if frame is not None:
                break
            frame = (code, source.read(length - 2))
            continue
        source.seek(length - 2, 1)
    raise CorruptImage


def _is_extended_xmp(source: BinaryIO, length: int) -> bool:
    # Extended XMP is split into many APP1 segments. They cost little: Pillow stores them without parsing.
    start = source.read(min(4, length - 2))
    source.seek(-len(start), 1)
    return start == b"http"


def _header(frame: tuple[int, bytes], *, components_in_scan: int, first_scan_at: int) -> JpegHeader:
    code, body = frame
    if len(body) < 6:
        raise CorruptImage
    progressive = code in _PROGRESSIVE
    return JpegHeader(
        width=int.from_bytes(body[3:5], "big"),
        height=int.from_bytes(body[1:3], "big"),
        progressive=progressive,
        needs_full_buffer=progressive or components_in_scan < body[5],
        first_scan_at=first_scan_at,
    )


def has_more_scans_than(source: BinaryIO, header: JpegHeader, limit: int) -> bool:
    """Whether the image has more than `limit` scans. Reads bytes without decoding, up to the end of the image.

    In coded data FF is always followed by 00 or the code of a restart marker, so FF DA always starts a scan.
    """
    scans = 1
    source.seek(header.first_scan_at)
    carried = b""  # an FF at the end of a block, whose marker code is in the next block
    while block := source.read(_BLOCK_BYTES):
        for match in _SCAN_OR_END.finditer(carried + block):
            if match.group()[1] == _END_OF_IMAGE:
                return False
            scans += 1
            if scans > limit:
                return True
        carried = block[-1:] if block.endswith(b"\xff") else b""
    return False
