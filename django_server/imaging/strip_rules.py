"""Decide whether an image above the limit for a full decode can be decoded strip by strip, and give the reason if not.

Pure: uses the header that Pillow has read. Called by `probe`; `strips` decodes.
"""

from PIL import ImageFile

from . import signatures
from .errors import TooManyPixels, decoding
from .signatures import Kind

_KINDS = frozenset({signatures.TIFF, signatures.PNG})
# These modes are not accepted: 32-bit integers and floats, because their levels depend on the whole image, and LAB and
# plain YCbCr, because libvips converts them.
_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16", "I;16L", "I;16B", "I;16N"})
# The compressions of TIFF 6.0. The libvips in pyvips-binary supports all of them. Pillow also decodes zstd and
# LZMA, which are not accepted here.
_COMPRESSIONS = frozenset({
    "raw", "tiff_ccitt", "group3", "group4", "tiff_lzw", "jpeg", "packbits", "tiff_adobe_deflate", "tiff_deflate",
})  # fmt: skip
_WIDTH_TAG, _SAMPLES_TAG, _TILE_LENGTH_TAG = 256, 277, 323
# Measured: libvips 8.18 keeps 600 decoded rows in memory, or nearly three rows of tiles if these are taller.
_ROWS_KEPT = 600
_ROWS_OF_TILES_KEPT = 3
_MAX_BYTES_KEPT = 600_000_000  # with the strips 800 MB, as much as a full decode of 200 Mpx


def supports_strips(kind: Kind) -> bool:
    """Whether files of this kind can be decoded strip by strip."""
    return kind in _KINDS


def check_strip_decodable(kind: Kind, image: ImageFile.ImageFile, whole_pixels: int) -> None:
    """Raise TooManyPixels, with the reason, if this TIFF or PNG can't be decoded in strips.

    `image` is open and not decoded. `whole_pixels`: the limit for a full decode, which the message names.
    """
    if kind is signatures.PNG and image.info.get("interlace"):
        reason = "in an interlaced PNG"
    elif kind is signatures.TIFF and image.info.get("compression") not in _COMPRESSIONS:
        reason = "in a TIFF of this compression"
    elif image.mode not in _MODES:
        reason = f"with pixels of the kind {image.mode}"
    elif _bytes_kept(image) > _MAX_BYTES_KEPT:
        reason = "with rows this long, or tiles this tall"
    else:
        return
    raise TooManyPixels(
        f"This image has {image.width} x {image.height} pixels; "
        f"at most {whole_pixels // 1_000_000} million are accepted {reason}."
    )


def _bytes_kept(image: ImageFile.ImageFile) -> int:
    """The bytes of decoded rows that libvips keeps in memory."""
    # The tags have the size of a TIFF before rotation. `image.width` is the width after rotation.
    tags = getattr(image, "tag_v2", {})
    with decoding():  # In a damaged file, a tag may not be a number.
        width = int(tags.get(_WIDTH_TAG, image.width))
        rows = max(_ROWS_KEPT, _ROWS_OF_TILES_KEPT * int(tags.get(_TILE_LENGTH_TAG, 0)))
        samples = int(tags.get(_SAMPLES_TAG, len(image.getbands())))
    if image.mode in ("P", "PA"):
        samples = 4
    arguments = image.tile[0].args if image.tile else None
    raw_mode = arguments[0] if isinstance(arguments, tuple) else arguments
    return width * rows * samples * (2 if "16" in str(raw_mode) else 1)
