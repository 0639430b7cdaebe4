"""Images of more than 200 megapixels: thumbnails where possible, and the messages for the others."""

import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from tests.support.corpus import icc, raw_png, raw_tiff
from tests.support.corpus.large import quadrant_png, quadrant_tiff
from tests.support.corpus.pictures import GRAYS, QUADRANTS
from tests.support.pregen.tool import Archive

_SIZE = (18_432, 14_336)  # 264 Mpx
_TILE = (512, 512)
_STRIP = (18_432, 64)


def _generate(archive: Archive, *more: object) -> None:
    archive.scan("-q")
    ran = archive.generate(*more)
    assert ran.code == 0, ran.log


def _original(archive: Archive, name: str) -> Path:
    return archive.put(f"fungi/originals/{name}", b"")


def _colours(archive: Archive, name: str) -> list[tuple[int, ...]]:
    """The colours in the middle of the four quarters, row by row."""
    with Image.open(archive.path(f"fungi/thumbnails/{name}")) as image:
        picture = image.convert("RGB")
    width, height = picture.size
    found = [picture.getpixel((width * x // 4, height * y // 4)) for y in (1, 3) for x in (1, 3)]
    return [colour for colour in found if isinstance(colour, tuple)]


def _assert_close(found: list[tuple[int, ...]], wanted: Sequence[Sequence[int]]) -> None:
    for one, other in zip(found, wanted, strict=True):
        assert max(abs(a - b) for a, b in zip(one, other, strict=True)) <= 12, (found, wanted)


@pytest.mark.parametrize(
    ("compression", "piece"),
    [
        (raw_tiff.LZW, _TILE),
        (raw_tiff.DEFLATE, _STRIP),
        (raw_tiff.JPEG, _TILE),
        (raw_tiff.JPEG, _STRIP),
        (raw_tiff.UNCOMPRESSED, _STRIP),
    ],
)
def test_a_large_tiff_gets_its_thumbnails_with_any_compression_and_layout(
    archive: Archive, compression: int, piece: tuple[int, int]
) -> None:
    quadrant_tiff(_original(archive, "x.tif"), _SIZE, piece, compression=compression, tiled=piece == _TILE)
    _generate(archive, "-s", 200, "-s", 1500)
    assert archive.size("fungi/thumbnails/x_200.tif") == ("JPEG", (200, 156))
    assert archive.size("fungi/thumbnails/x_1500.tif") == ("JPEG", (1500, 1167))
    _assert_close(_colours(archive, "x_200.tif"), QUADRANTS)
    _assert_close(_colours(archive, "x_1500.tif"), QUADRANTS)


def test_the_orientation_of_a_large_tiff_is_applied(archive: Archive) -> None:
    quadrant_tiff(_original(archive, "x.tif"), _SIZE, _TILE, tiled=True, more={274: [6]})
    _generate(archive)
    assert archive.size("fungi/thumbnails/x_200.tif") == ("JPEG", (156, 200))
    # Rotated a quarter clockwise: the left column becomes the upper row, starting with its lower end.
    red, green, blue, white = QUADRANTS
    _assert_close(_colours(archive, "x_200.tif"), [blue, red, white, green])


def test_the_inks_of_a_large_tiff_are_converted_from_their_profile(archive: Archive) -> None:
    inks = ((255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0), (0, 0, 0, 0))
    more = {34675: icc.exchanged_inks_profile()}
    quadrant_tiff(
        _original(archive, "x.tif"), _SIZE, _STRIP, photometric=raw_tiff.CMYK, colours=inks, more=more
    )
    _generate(archive)
    # On this press cyan ink absorbs blue light, magenta red, and yellow green.
    wanted = [(255, 255, 0), (0, 255, 255), (255, 0, 255), (255, 255, 255)]
    _assert_close(_colours(archive, "x_200.tif"), wanted)


def test_a_large_png_is_converted_from_its_profile(archive: Archive) -> None:
    profile = b"wide\0\0" + zlib.compress(icc.display_p3_profile())
    before = raw_png.chunk(b"iCCP", profile)
    quadrant_png(_original(archive, "x.png"), _SIZE, colours=((200, 80, 40),) * 4, before=before)
    _generate(archive)
    assert archive.size("fungi/thumbnails/x_200.png") == ("PNG", (200, 156))
    # Display P3 (200, 80, 40) in sRGB, computed by hand from the matrices of the primaries.
    _assert_close(_colours(archive, "x_200.png"), [(216, 69, 17)] * 4)


def test_transparent_pixels_of_a_large_png_become_white(archive: Archive) -> None:
    colours = ((200, 80, 40, 255), (200, 80, 40, 0), (0, 0, 0, 128), (0, 0, 0, 0))
    quadrant_png(_original(archive, "x.png"), _SIZE, colours=colours)
    _generate(archive)
    wanted = [(200, 80, 40), (255, 255, 255), (127, 127, 127), (255, 255, 255)]
    _assert_close(_colours(archive, "x_200.png"), wanted)


@pytest.mark.parametrize("form", ["gray.tif", "rgb.png"])
def test_sixteen_bits_are_scaled_and_not_clipped(archive: Archive, form: str) -> None:
    colours = [(value,) for value in GRAYS] if form.startswith("gray") else QUADRANTS
    original = _original(archive, form)
    if form.endswith("png"):
        quadrant_png(original, _SIZE, colours=colours, depth=16)
    else:
        photometric = raw_tiff.GRAY if form.startswith("gray") else raw_tiff.RGB
        quadrant_tiff(original, _SIZE, _STRIP, photometric=photometric, colours=colours, depth=16)
    _generate(archive)
    wanted = [colour if len(colour) == 3 else (*colour,) * 3 for colour in colours]
    _assert_close(_colours(archive, form.replace(".", "_200.")), wanted)


def test_an_image_too_large_or_only_decodable_whole_is_reported(archive: Archive) -> None:
    raw_tiff.claim(_original(archive, "over.tif"), (30_000, 20_001), (30_000, 64))
    interlaced = raw_png.header(20_000, 20_000, 8, raw_png.RGB, interlaced=True)
    _original(archive, "interlaced.png").write_bytes(interlaced + raw_png.chunk(b"IDAT", b"no pixels"))
    archive.scan("-q")
    ran = archive.generate()
    assert ran.code == 1
    for line in (
        "over.tif -> This image has 30000 x 20001 pixels; at most 600 million are accepted.",
        "interlaced.png -> This image has 20000 x 20000 pixels; "
        "at most 200 million are accepted in an interlaced PNG.",
    ):
        assert line in ran.log
    assert archive.thumbnails() == []


def test_a_truncated_or_damaged_large_file_is_reported_and_leaves_no_thumbnail(archive: Archive) -> None:
    quadrant_png(_original(archive, "cut.png"), _SIZE)
    quadrant_tiff(_original(archive, "torn.tif"), _SIZE, _STRIP)
    cut, torn = (archive.path(f"fungi/originals/{name}") for name in ("cut.png", "torn.tif"))
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    content = torn.read_bytes()
    middle = len(content) // 2  # in the strip of the lower half
    torn.write_bytes(content[:middle] + bytes(2_000) + content[middle + 2_000 :])
    archive.scan("-q")
    ran = archive.generate()
    assert ran.code == 1
    for name in ("cut.png", "torn.tif"):
        assert f"{name} -> This image is damaged or incomplete and cannot be read." in ran.log
    assert archive.thumbnails() == []
