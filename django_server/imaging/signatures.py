"""Detect the type of a file from its first bytes, never from its name or a Content-Type header.

Owns the list of accepted types. Opens no files: callers pass the bytes. Used by `probe` and the API.
"""

from dataclasses import dataclass

HEAD_BYTES = 64  # the signature and, in ISO media files, the list of compatible brands


@dataclass(frozen=True)
class Kind:
    """An accepted type. `format`: Pillow's name. `extension`: the extension of stored files, without a dot."""

    format: str
    media_type: str
    extension: str


JPEG = Kind("JPEG", "image/jpeg", "jpg")
PNG = Kind("PNG", "image/png", "png")
GIF = Kind("GIF", "image/gif", "gif")
WEBP = Kind("WEBP", "image/webp", "webp")
TIFF = Kind("TIFF", "image/tiff", "tif")
BMP = Kind("BMP", "image/bmp", "bmp")
AVIF = Kind("AVIF", "image/avif", "avif")
HEIF = Kind("HEIF", "image/heic", "heic")

ACCEPTED_KINDS = (JPEG, PNG, GIF, WEBP, TIFF, BMP, AVIF, HEIF)
ACCEPTED_MEDIA_TYPES: tuple[str, ...] = (*(kind.media_type for kind in ACCEPTED_KINDS), "image/heif")

_SIGNATURES = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),  # BigTIFF
    (b"MM\0+", TIFF),
)
# The sizes of BMP headers, from BITMAPCOREHEADER to BITMAPV5HEADER. They are checked because a text file may begin with
# "BM", too.
_BMP_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_GENERIC_BRANDS = frozenset({b"mif1", b"msf1"})


def recognise(head: bytes) -> Kind | None:
    """The accepted kind whose signature is in `head` (the file's first HEAD_BYTES), or None."""
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return BMP
    if head[4:8] == b"ftyp":
        return _recognise_iso_media(head)
    return None


def _recognise_iso_media(head: bytes) -> Kind | None:
    length = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[start : start + 4] for start in (8, *range(16, length - 3, 4))}
    major = head[8:12]
    if major in _AVIF_BRANDS or (major in _GENERIC_BRANDS and brands & _AVIF_BRANDS):
        return AVIF
    if major in _HEIF_BRANDS or major in _GENERIC_BRANDS:
        return HEIF
    return None
