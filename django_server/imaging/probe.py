"""Open an image file and check its header against the limits, without decoding pixels.

Decides which Pillow class reads which format. Pillow's own `Image.open` is not used: it would try formats that are not
accepted, and its pixel limit is one number for the whole process. Uploads call `probe`; `render` calls `open_judged`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import BinaryIO, TypeVar

from PIL import ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from . import jpeg_header, signatures
from .container_headers import check_tiff_directory, gif_frames, png_frames, read_webp_header
from .errors import CorruptImage, EmptyFile, TooManyPixels, UnsupportedType, decoding, parsing
from .exif_orientation import orientation_of
from .geometry import upright
from .pixel_limits import EDGE_PX, Limits
from .signatures import Kind
from .strip_rules import has_bands, refuse_unless_banded

_TIFF_ORIENTATION_TAG = 274
_Image = TypeVar("_Image", bound=ImageFile.ImageFile)


class _JpegWithoutDpi(JpegImageFile):
    def _read_dpi_from_exif(self) -> None:
        """Nothing: the resolution is of no use here, and looking for it lets broken EXIF fail the picture."""


@dataclass(frozen=True)
class Probe:
    """What the header tells. `width` x `height` in pixels, upright as displayed; `orientation` as EXIF has it (1..8).

    `frames`: pictures of an animation, as counted or claimed without decoding them; the pages of a TIFF are not.
    `progressive`: a progressive JPEG.
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
class Opened:
    """A judged picture. `image` is open but not decoded; `turn` is the orientation the decoder leaves to us.

    `in_bands`: it has more pixels than may be decoded whole.
    """

    image: ImageFile.ImageFile
    probe: Probe
    turn: int
    in_bands: bool = False


_DEFAULT_LIMITS = Limits()


def probe(source: BinaryIO, limits: Limits = _DEFAULT_LIMITS) -> Probe:
    """Read the header of `source` (seekable, read from its start). Nothing is decoded; its position changes.

    Raises EmptyFile, UnsupportedType, TooManyPixels or CorruptImage. A file that passes can still turn out
    damaged when it is rendered.
    """
    found, _ = inspect(source, limits)
    return found


def inspect(source: BinaryIO, limits: Limits) -> tuple[Probe, Opened | None]:
    """Judge `source` from its header. Where that took Pillow, its still undecoded image comes along.

    Raises the errors of this package.
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


def open_judged(source: BinaryIO, limits: Limits) -> Opened:
    """As `inspect`, but always with the open picture."""
    probe, opened = inspect(source, limits)
    if opened is not None:
        return opened
    return Opened(_open(WebPImageFile, source), probe, probe.orientation)


def _open(reader: Callable[[BinaryIO], _Image], source: BinaryIO) -> _Image:
    """Open `source` with Pillow's class for its format. Raises CorruptImage, TooManyPixels."""
    source.seek(0)
    with decoding():
        return reader(source)


def _open_other(kind: Kind, source: BinaryIO, limits: Limits) -> Opened:
    opened = _OPENERS[kind](source)
    width, height = opened.image.size
    if width * height <= limits.pixels or limits.pixels_in_bands <= limits.pixels or not has_bands(kind):
        _refuse_above(limits.pixels, (width, height))
        return opened
    _refuse_above(limits.pixels_in_bands, (width, height))
    refuse_unless_banded(kind, opened.image, limits.pixels)
    # Bands come as they are stored, of a TIFF too.
    return replace(opened, turn=opened.probe.orientation, in_bands=True)


def _refuse_above(pixels: int, size: tuple[int, int]) -> None:
    if max(size) > EDGE_PX:
        raise TooManyPixels(f"This image is {max(size)} pixels long; at most {EDGE_PX} are accepted.")
    if size[0] * size[1] > pixels:
        raise TooManyPixels(
            f"This image has {size[0]} x {size[1]} pixels; at most {pixels // 1_000_000} million are accepted."
        )


def _open_jpeg(source: BinaryIO, limits: Limits) -> Opened:
    with parsing():
        header = jpeg_header.read_header(source)
    most = limits.pixels_progressive_jpeg if header.buffered else limits.pixels_baseline_jpeg
    _refuse_above(most, (header.width, header.height))
    if header.buffered and jpeg_header.has_more_scans_than(source, header, limits.jpeg_scans):
        raise CorruptImage
    image = _open(_JpegWithoutDpi, source)
    if image.size != (header.width, header.height):
        raise CorruptImage
    return _upright(
        signatures.JPEG, image, orientation_of(image.info.get("exif")), progressive=header.progressive
    )


def _open_png(source: BinaryIO) -> Opened:
    with parsing():
        frames = png_frames(source)
    image = _open(PngImageFile, source)
    _mend_png_transparency(image)
    return _upright(signatures.PNG, image, orientation_of(image.info.get("exif")), frames=frames)


def _open_gif(source: BinaryIO) -> Opened:
    with parsing():
        frames = gif_frames(source)
    return _upright(signatures.GIF, _open(GifImageFile, source), 1, frames=frames)


def _open_tiff(source: BinaryIO) -> Opened:
    with parsing():
        check_tiff_directory(source)
    image = _open(TiffImageFile, source)
    with decoding():
        orientation = image.tag_v2.get(_TIFF_ORIENTATION_TAG)
    return _upright(signatures.TIFF, image, orientation, turned_by_decoder=True)


def _open_bmp(source: BinaryIO) -> Opened:
    return _upright(signatures.BMP, _open(BmpImageFile, source), 1)


def _open_avif(source: BinaryIO) -> Opened:
    image = _open(AvifImageFile, source)
    return _upright(signatures.AVIF, image, orientation_of(image.info.get("exif")), frames=image.n_frames)


def _open_heif(source: BinaryIO) -> Opened:
    image = _open(HeifImageFile, source)
    return _upright(signatures.HEIF, image, image.info.get("original_orientation"), turned_by_decoder=True)


_OPENERS: dict[Kind, Callable[[BinaryIO], Opened]] = {
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
    turned_by_decoder: bool = False,
) -> Opened:
    """`turned_by_decoder`: TIFF and HEIC, which their decoders turn, and whose size they tell upright."""
    known = orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1
    turn = 1 if turned_by_decoder else known
    return Opened(
        image, _probe(kind, upright(*image.size, turn), frames, image.mode, known, progressive), turn
    )


def _inspect_webp(source: BinaryIO, limits: Limits) -> Probe:
    # Pillow's WebP reader reserves two canvases as soon as it opens a file: judge before it does.
    with parsing():
        header = read_webp_header(source)
    _refuse_above(limits.pixels, (header.width, header.height))
    orientation = orientation_of(header.exif)
    size = upright(header.width, header.height, orientation)
    return _probe(signatures.WEBP, size, header.frames, "RGBA" if header.alpha else "RGB", orientation)


def _probe(
    kind: Kind, size: tuple[int, int], frames: int, mode: str, orientation: int, progressive: bool = False
) -> Probe:
    return Probe(kind.format, kind.media_type, kind.extension, *size, frames, mode, orientation, progressive)


def _mend_png_transparency(image: PngImageFile) -> None:
    """Bring the transparent value of a PNG to the scale its pixels are decoded to.

    The file numbers it in its own bit depth (PNG specification, 11.3.2.1); Pillow widens the pixels only.
    """
    value = image.info.get("transparency")
    raw_mode = image.tile[0].args if image.tile else None
    if isinstance(value, int) and image.mode == "1":
        image.info["transparency"] = 255 if value else 0
    elif isinstance(value, int) and image.mode == "L" and raw_mode in ("L;2", "L;4"):
        image.info["transparency"] = min(255, value * (85 if raw_mode == "L;2" else 17))
    elif isinstance(value, tuple) and raw_mode == "RGB;16B":
        image.info["transparency"] = tuple(part >> 8 for part in value)
