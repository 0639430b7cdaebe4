"""Write TIFF files piece by piece (TIFF 6.0), in sizes that no library can write within memory.

Owns directories, strips and tiles. Used by `large`.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

UNCOMPRESSED, LZW, JPEG, DEFLATE = 1, 5, 7, 8
GRAY, RGB, CMYK = 1, 2, 5
_LONG, _UNDEFINED = 4, 7

Tags = Mapping[int, Sequence[int] | bytes]


def write(
    path: Path,
    size: tuple[int, int],
    piece: tuple[int, int],
    piece_at: Callable[[int, int], bytes],
    tags: Tags,
    *,
    tiled: bool,
) -> None:
    """A TIFF of pieces of the given size in pixels: tiles, or strips of the image's width.

    `piece_at(left, top)` returns the compressed piece at that place. Equal pieces are stored once.
    """
    with path.open("wb") as file:
        file.write(b"II*\0" + bytes(4))
        places: dict[bytes, int] = {}
        offsets, lengths = [], []
        for top in range(0, size[1], piece[1]):
            for left in range(0, size[0], piece[0]):
                data = piece_at(left, top)
                if data not in places:
                    places[data] = _append(file, data)
                offsets.append(places[data])
                lengths.append(len(data))
        where: Tags = (
            {322: [piece[0]], 323: [piece[1]], 324: offsets, 325: lengths}
            if tiled
            else {278: [piece[1]], 273: offsets, 279: lengths}
        )
        directory = _directory(file, {256: [size[0]], 257: [size[1]], **tags, **where})
        file.seek(4)
        file.write(struct.pack("<I", directory))


def claim(path: Path, size: tuple[int, int], piece: tuple[int, int], *, tiled: bool = False) -> None:
    """A gray TIFF of that size with a valid header and no pixels."""
    tags = {258: [8], 259: [UNCOMPRESSED], 262: [GRAY], 277: [1]}
    write(path, size, piece, lambda *_: b"no pixels", tags, tiled=tiled)


def _append(file: BinaryIO, data: bytes) -> int:
    """The offset of `data`, on an even byte as TIFF requires."""
    at = file.tell()
    file.write(data + bytes(len(data) & 1))
    return at


def _directory(file: BinaryIO, tags: Tags) -> int:
    entries = b""
    for tag, value in sorted(tags.items()):
        kind = _UNDEFINED if isinstance(value, bytes) else _LONG
        data = value if isinstance(value, bytes) else struct.pack(f"<{len(value)}I", *value)
        here = data.ljust(4, b"\0") if len(data) <= 4 else struct.pack("<I", _append(file, data))
        entries += struct.pack("<HHI", tag, kind, len(value)) + here
    return _append(file, struct.pack("<H", len(tags)) + entries + bytes(4))
