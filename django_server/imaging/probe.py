"""Open an image file and check its header against the limits, without decoding pixels.

Decides which Pillow class reads which format. Does not use `Image.open`, because that would try formats that
are not accepted, and has one pixel limit for the whole process. Uploads call `probe`; `render` calls `open_checked`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO, TypeVar

from pi_heif import HeifImageFile
from PIL import ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from . import jpeg_header, signatures
from .container_headers import check_tiff_directory, gif_frames, png_frames, read_webp_header
from .errors import CorruptImage, EmptyFile, TooManyPixels, UnsupportedType, decoding, parsing
from .exif_orientation import orientation_of
from .geometry import upright
from .pixel_limits import MAX_EDGE_PX, Limits
from .signatures import Kind
from .strip_rules import check_strip_decodable, supports_strips

_TIFF_ORIENTATION_TAG = 274
_Image = TypeVar("_Image", bound=ImageFile.ImageFile)


class _JpegWithoutDpi(JpegImageFile):
    def _read_dpi_from_exif(self) -> None:
        """Do nothing: the resolution is not used, and broken EXIF would raise an exception here."""


@dataclass(frozen=True)
class Probe:
    """The contents of the header. `width` and `height`: size in pixels after the EXIF orientation is applied.

    `orientation`: the EXIF orientation, 1 to 8.
    `frames`: the number of frames of an animation, counted or read from the header; 1 for a TIFF of several pages.
    `progressive`: whether the image is a progressive JPEG.
    """

    format: str
    media_type: str
    extension: str
    width: int
    height: int
    frames: int
    mode: str
    orientation: int
    progressive: bool


@dataclass(frozen=True)
class OpenedImage:
    """An image within the limits, open and not decoded.

    `orientation_to_apply`: the EXIF orientation that the caller must apply to the decoded pixels (1: none).
    `in_strips`: the image has more pixels than may be decoded at once, so it must be decoded in strips.
    """

    image: ImageFile.ImageFile
    probe: Probe
    orientation_to_apply: int
    in_strips: bool = False


_DEFAULT_LIMITS = Limits()


def probe(source: BinaryIO, limits: Limits = _DEFAULT_LIMITS) -> Probe:
    """Read the header of `source` (seekable, read from its start) without decoding. Changes the position of `source`.

    Raises EmptyFile, UnsupportedType, TooManyPixels or CorruptImage. A file may pass this check and still be damaged:
    then `render` raises CorruptImage.
    """
    probed, _ = inspect(source, limits)
    return probed


def inspect(source: BinaryIO, limits: Limits) -> tuple[Probe, OpenedImage | None]:
    """As `probe`. Also returns the opened image, or None if Pillow was not needed (for WebP).

    Raises as `probe` does.
    """
    source.seek(0)
    head = source.read(signatures.HEAD_BYTES)
    if not head:
        raise EmptyFile
    kind = signatures.recognise(head)
    if kind is None:
        raise UnsupportedType
    if kind is signatures.WEBP:
        return _inspect_webp(source, limits), None
    opened = _open_jpeg(source, limits) if kind is signatures.JPEG else _open_other(kind, source, limits)
    return opened.probe, opened


def open_checked(source: BinaryIO, limits: Limits) -> OpenedImage:
    """As `inspect`, but always returns the opened image."""
    probe, opened = inspect(source, limits)
    if opened is not None:
        return opened
    return OpenedImage(_open(WebPImageFile, source), probe, probe.orientation)


def _open(reader: Callable[[BinaryIO], _Image], source: BinaryIO) -> _Image:
    """Open `source` with Pillow's class for its format. Raises CorruptImage, TooManyPixels."""
    source.seek(0)
    with decoding():
        return reader(source)


def _open_other(kind: Kind, source: BinaryIO, limits: Limits) -> OpenedImage:
    opened = _OPENERS[kind](source)
    width, height = opened.image.size
    if (
        width * height <= limits.pixels
        or limits.pixels_in_strips <= limits.pixels
        or not supports_strips(kind)
    ):
        _check_size(limits.pixels, (width, height))
        return opened
    _check_size(limits.pixels_in_strips, (width, height))
    check_strip_decodable(kind, opened.image, limits.pixels)
    # Strips are decoded with libvips, which does not rotate. The orientation in `opened` cannot be used: for a TIFF it
    # is 1, because Pillow rotates a TIFF while it decodes it.
    return replace(opened, orientation_to_apply=opened.probe.orientation, in_strips=True)


def _check_size(pixels: int, size: tuple[int, int]) -> None:
    if max(size) > MAX_EDGE_PX:
        raise TooManyPixels(f"This image is {max(size)} pixels long; at most {MAX_EDGE_PX} are accepted.")
    if size[0] * size[1] > pixels:
        raise TooManyPixels(
            f"This image has {size[0]} x {size[1]} pixels; at most {pixels // 1_000_000} million are accepted."
        )


def _open_jpeg(source: BinaryIO, limits: Limits) -> OpenedImage:
    with parsing():
        header = jpeg_header.read_header(source)
    max_pixels = limits.pixels_progressive_jpeg if header.needs_full_buffer else limits.pixels_baseline_jpeg
    _check_size(max_pixels, (header.width, header.height))
    if header.needs_full_buffer and jpeg_header.has_more_scans_than(source, header, limits.jpeg_scans):
        raise CorruptImage
    image = _open(_JpegWithoutDpi, source)
    if image.size != (header.width, header.height):
        raise CorruptImage
    return _upright(
        signatures.JPEG, image, orientation_of(image.info.get("exif")), progressive=header.progressive
    )


def _open_png(source: BinaryIO) -> OpenedImage:
    with parsing():
        frames = png_frames(source)
    image = _open(PngImageFile, source)
    _rescale_png_transparency(image)
    return _upright(signatures.PNG, image, orientation_of(image.info.get("exif")), frames=frames)


def _open_gif(source: BinaryIO) -> OpenedImage:
    with parsing():
        frames = gif_frames(source)
    return _upright(signatures.GIF, _open(GifImageFile, source), 1, frames=frames)


def _open_tiff(source: BinaryIO) -> OpenedImage:
    with parsing():
        check_tiff_directory(source)
    image = _open(TiffImageFile, source)
    with decoding():
        orientation = image.tag_v2.get(_TIFF_ORIENTATION_TAG)
    return _upright(signatures.TIFF, image, orientation, rotated_by_decoder=True)


def _open_bmp(source: BinaryIO) -> OpenedImage:
    return _upright(signatures.BMP, _open(BmpImageFile, source), 1)


def _open_avif(source: BinaryIO) -> OpenedImage:
    image = _open(AvifImageFile, source)
    return _upright(signatures.AVIF, image, orientation_of(image.info.get("exif")), frames=image.n_frames)


def _open_heif(source: BinaryIO) -> OpenedImage:
    image = _open(HeifImageFile, source)
    return _upright(signatures.HEIF, image, image.info.get("original_orientation"), rotated_by_decoder=True)


_OPENERS: dict[Kind, Callable[[BinaryIO], OpenedImage]] = {
    signatures.PNG: _open_png,
    signatures.GIF: _open_gif,
    signatures.TIFF: _open_tiff,
    signatures.BMP: _open_bmp,
    signatures.AVIF: _open_avif,
    signatures.HEIF: _open_heif,
}


def _upright(
    kind: Kind,
    image: ImageFile.ImageFile,
    orientation: object,
    *,
    frames: int = 1,
    progressive: bool = False,
    rotated_by_decoder: bool = False,
) -> OpenedImage:
    """`rotated_by_decoder`: the decoder applies the orientation and reports the displayed size (TIFF, HEIC)."""
    valid_orientation = orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1
    orientation_to_apply = 1 if rotated_by_decoder else valid_orientation
    size = upright(*image.size, orientation_to_apply)
    probe = _probe(kind, size, frames, image.mode, valid_orientation, progressive)
    return OpenedImage(image, probe, orientation_to_apply)


def _inspect_webp(source: BinaryIO, limits: Limits) -> Probe:
    # Pillow's WebP reader allocates two canvases when it opens a file, so the size is checked first, without Pillow.
    with parsing():
        header = read_webp_header(source)
    _check_size(limits.pixels, (header.width, header.height))
    orientation = orientation_of(header.exif)
    size = upright(header.width, header.height, orientation)
    return _probe(signatures.WEBP, size, header.frames, "RGBA" if header.alpha else "RGB", orientation)


def _probe(
    kind: Kind, size: tuple[int, int], frames: int, mode: str, orientation: int, progressive: bool = False
) -> Probe:
    return Probe(kind.format, kind.media_type, kind.extension, *size, frames, mode, orientation, progressive)


def _rescale_png_transparency(image: PngImageFile) -> None:
    """Convert the transparent value of a PNG to the bit depth of the decoded pixels.

    A PNG can name one grey value or colour as transparent (tRNS). The value is stored in the file's own bit depth (PNG
    specification, 11.3.2.1). Pillow converts the pixels to 8 bits but leaves this value unchanged.
    """
    value = image.info.get("transparency")
    raw_mode = image.tile[0].args if image.tile else None
    if isinstance(value, int) and image.mode == "1":
        image.info["transparency"] = 255 if value else 0
    elif isinstance(value, int) and image.mode == "L" and raw_mode in ("L;2", "L;4"):
        image.info["transparency"] = min(255, value * (85 if raw_mode == "L;2" else 17))
    elif isinstance(value, tuple) and raw_mode == "RGB;16B":
        image.info["transparency"] = tuple(part >> 8 for part in value)
