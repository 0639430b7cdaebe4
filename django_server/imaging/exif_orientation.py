"""Read the orientation tag from an EXIF block. Pure. If the block is broken, the orientation is 1.

Reads no other tag, so that a hostile block costs no time. Called by `probe`.
"""

import struct

_ORIENTATION_TAG = 0x0112  # Exif 2.32, table 4
_SHORT = 3
_ENTRY_BYTES = 12
_MAX_ENTRIES = 1_000  # cameras write about 20 in the first directory


def orientation_of(exif: bytes | None) -> int:
    """The EXIF orientation, 1 to 8; 1 if `exif` has no valid orientation. `exif` may begin with the prefix `Exif`."""
    if not exif:
        return 1
    block = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(order + "I", block, 4)
        (count,) = struct.unpack_from(order + "H", block, directory)
        for entry in range(min(count, _MAX_ENTRIES)):
            tag, kind, _, value = struct.unpack_from(
                order + "HHIH", block, directory + 2 + entry * _ENTRY_BYTES
            )
            if tag == _ORIENTATION_TAG and kind == _SHORT:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1
