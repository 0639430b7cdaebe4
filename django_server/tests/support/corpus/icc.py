"""ICC profiles built from numbers: Display P3, a gray one, and a press with swapped inks.

Owns their bytes (ICC.1:2010). Used by the corpus, the imaging tests and the render benchmark.
"""

import struct

from PIL import ImageCms

_HEADER_BYTES = 128
_TAG_ENTRY_BYTES = 12
_DATE = slice(24, 36)
_CHECKSUM = slice(84, 100)
_MADE = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)

# Display P3 primaries, adapted to the D50 white of profiles (SMPTE EG 432-1, Bradford).
_P3_COLORANTS = {
    b"rXYZ": (0.51512, 0.24120, -0.00105),
    b"gXYZ": (0.29198, 0.69225, 0.04189),
    b"bXYZ": (0.15710, 0.06657, 0.78407),
}
_D50 = (0.9642, 1.0, 0.8249)
# sRGB primaries, adapted likewise.
_SRGB_TO_XYZ = ((0.43607, 0.38515, 0.14307), (0.22249, 0.71687, 0.06061), (0.01392, 0.09708, 0.71410))


def srgb_profile() -> bytes:
    """littleCMS' sRGB profile without its creation time."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[_DATE] = _MADE
    profile[_CHECKSUM] = bytes(16)
    return bytes(profile)


def display_p3_profile() -> bytes:
    """Display P3: sRGB's curve over wider primaries."""
    profile = bytearray(srgb_profile())
    (count,) = struct.unpack_from(">I", profile, _HEADER_BYTES)
    for index in range(count):
        entry = _HEADER_BYTES + 4 + index * _TAG_ENTRY_BYTES
        signature, offset, _ = struct.unpack_from(">4sII", profile, entry)
        if signature in _P3_COLORANTS:
            struct.pack_into(">3i", profile, offset + 8, *_fixed(_P3_COLORANTS[signature]))
    return bytes(profile)


def linear_gray_profile() -> bytes:
    """Linear gray: the middle value 128 is displayed as sRGB 188."""
    curve = b"curv" + bytes(4) + struct.pack(">I", 0)
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": curve})


def exchanged_inks_profile() -> bytes:
    """A CMYK press in which cyan ink absorbs blue light, magenta red, and yellow green."""
    corners = bytearray()
    for corner in range(16):
        cyan, magenta, yellow, black = (corner >> shift & 1 for shift in (3, 2, 1, 0))
        light = 1 - black
        corners += _lab8(((1 - magenta) * light, (1 - yellow) * light, (1 - cyan) * light))
    identity = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes((4, 3, 2, 0))
    table += struct.pack(">9i", *_fixed((1, 0, 0, 0, 1, 0, 0, 0, 1)))
    table += identity * 4 + bytes(corners) + identity * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})


def _fixed(values: tuple[float, ...]) -> list[int]:
    return [round(value * 65_536) for value in values]


def _lab8(rgb: tuple[float, float, float]) -> bytes:
    """An sRGB corner (each 0 or 1, where the curve has no effect) as Lab in the 8-bit encoding of `mft1`."""
    x, y, z = (
        sum(part * value for part, value in zip(row, rgb, strict=True)) / white
        for row, white in zip(_SRGB_TO_XYZ, _D50, strict=True)
    )
    fx, fy, fz = (
        value ** (1 / 3) if value > 216 / 24_389 else value * 841 / 108 + 4 / 29 for value in (x, y, z)
    )
    lightness, a, b = 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)
    return bytes(max(0, min(255, round(value))) for value in (lightness * 2.55, a + 128, b + 128))


def _profile(device: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    text = b"made for a test\0"
    description = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)
    every = {
        b"desc": description,
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"wtpt": b"XYZ " + bytes(4) + struct.pack(">3i", *_fixed(_D50)),
        **tags,
    }
    body = b""
    table = struct.pack(">I", len(every))
    start = _HEADER_BYTES + 4 + _TAG_ENTRY_BYTES * len(every)
    for signature, data in every.items():
        table += struct.pack(">4sII", signature, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(">I4xI4s4s4s", start + len(body), 0x02400000, device, space, connection)
    header += _MADE + b"acsp"
    header = header.ljust(68, b"\0") + struct.pack(">3i", *_fixed(_D50))
    return header.ljust(_HEADER_BYTES, b"\0") + table + body
