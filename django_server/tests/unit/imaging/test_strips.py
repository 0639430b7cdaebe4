"""Images too large for a full decode look the same when decoded in strips, in bounded memory."""

import errno
import io
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops

import imaging
from imaging import strips
from tests.support.corpus import raw_png, raw_tiff
from tests.support.corpus.large import quadrant_png
from tests.support.corpus.make_corpus import Recipe, every_recipe
from tests.support.corpus.pictures import grays, quadrants, saved

_IN_STRIPS = imaging.Limits(pixels=1, pixels_in_strips=600_000_000)
_DECODED_WHOLE_ONLY = ("interlaced", "ycbcr", "32-bit", "float", "tiff-lab")


def _decodable_in_strips(recipe: Recipe) -> bool:
    return (
        recipe.name.startswith(("png", "tiff"))
        and bool(recipe.shows)
        and not any(word in recipe.name for word in _DECODED_WHOLE_ONLY)
    )


def _picture(data: bytes, limits: imaging.Limits, scale_px: int = 16) -> Image.Image:
    made = imaging.render(io.BytesIO(data), {"only": scale_px}, output_format="PNG", limits=limits)
    thumbnail = made.thumbnails["only"].data
    assert thumbnail is not None
    return Image.open(io.BytesIO(thumbnail)).convert("RGB")


def _largest_difference(one: Image.Image, other: Image.Image) -> int:
    return max(int(high) for _, high in ImageChops.difference(one, other).getextrema())  # type: ignore[misc]


@pytest.mark.parametrize(
    "recipe",
    [recipe for recipe in every_recipe() if _decodable_in_strips(recipe)],
    ids=lambda recipe: recipe.name,
)
def test_a_picture_decoded_in_strips_equals_the_one_decoded_whole(recipe: Recipe) -> None:
    whole = _picture(recipe.data, imaging.Limits())
    in_strips = _picture(recipe.data, _IN_STRIPS)
    assert in_strips.size == whole.size
    # In strips the image is averaged before it is rotated, so the incomplete pixels are at another edge.
    tolerance = 20 if recipe.name == "tiff-orientation-6" else 0
    assert _largest_difference(in_strips, whole) <= tolerance


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_a_tiff_is_applied(orientation: int) -> None:
    data = saved(quadrants(size=(128, 96)), "TIFF", tiffinfo={274: orientation})
    assert _largest_difference(_picture(data, _IN_STRIPS), _picture(data, imaging.Limits())) <= 4


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("compression", ["raw", "packbits", "tiff_lzw", "tiff_adobe_deflate"])
def test_every_common_layout_of_a_tiff_is_the_same_picture(mode: str, compression: str) -> None:
    data = saved(quadrants("RGBA").convert(mode), "TIFF", compression=compression)
    assert _largest_difference(_picture(data, _IN_STRIPS), _picture(data, imaging.Limits())) == 0


def test_the_inverted_grays_of_a_tiff_are_honoured() -> None:
    data = saved(grays(), "TIFF", tiffinfo={262: 0})
    assert _largest_difference(_picture(data, _IN_STRIPS), _picture(data, imaging.Limits())) == 0


def test_without_a_strip_limit_large_images_are_rejected() -> None:
    limits = imaging.Limits(pixels=1_000)
    for name in ("PNG", "TIFF", "BMP"):
        with pytest.raises(imaging.TooManyPixels, match=r"96 x 64 pixels; at most 0 million are accepted\.$"):
            _picture(saved(quadrants(), name), limits)


def _of_kind(mode: str) -> Callable[[Path], None]:
    return lambda path: Image.new(mode, (300, 200)).save(path, "TIFF")


def _with_tall_tiles(path: Path) -> None:
    raw_tiff.claim(path, (24_000, 16_000), (12_000, 12_000), tiled=True)


def _with_long_rows(path: Path) -> None:
    path.write_bytes(raw_png.header(200_000, 2_000, 16, raw_png.RGB) + raw_png.chunk(b"IDAT", b"no pixels"))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: quadrant_png(path, (300, 200), interlaced=True), "in an interlaced PNG"),
        (
            lambda path: Image.new("L", (300, 200)).save(path, "TIFF", compression="zstd"),
            "in a TIFF of this compression",
        ),
        (_of_kind("F"), "with pixels of the kind F"),
        (_of_kind("I"), "with pixels of the kind I"),
        (_of_kind("LAB"), "with pixels of the kind LAB"),
        (_with_tall_tiles, "with rows this long, or tiles this tall"),
        (_with_long_rows, "with rows this long, or tiles this tall"),
    ],
)  # fmt: skip
def test_an_image_that_can_only_be_decoded_whole_is_rejected_with_the_reason(
    make: Callable[[Path], None], reason: str, tmp_path: Path
) -> None:
    make(tmp_path / "picture")
    limits = imaging.Limits(pixels=50_000, pixels_in_strips=600_000_000)
    with (
        (tmp_path / "picture").open("rb") as source,
        pytest.raises(imaging.TooManyPixels, match=rf"at most 0 million are accepted {reason}\.$"),
    ):
        imaging.probe(source, limits)


def test_a_thumbnail_over_half_the_image_size_is_rejected_with_the_largest_possible_size() -> None:
    data = saved(quadrants(), "TIFF")
    with pytest.raises(imaging.TooManyPixels, match="too many for a thumbnail of 49; 48 can be made"):
        _picture(data, _IN_STRIPS, 49)


@pytest.fixture
def without_pyvips(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(sys.modules, "pyvips", None)
    strips.load_pyvips.cache_clear()
    yield
    strips.load_pyvips.cache_clear()


@pytest.mark.usefixtures("without_pyvips")
def test_without_pyvips_a_large_image_is_rejected_with_a_message_naming_it() -> None:
    with pytest.raises(imaging.TooManyPixels, match="pyvips, which decodes in strips, is not installed"):
        _picture(saved(quadrants(), "TIFF"), _IN_STRIPS)


@pytest.mark.parametrize("name", ["TIFF", "PNG"])
def test_a_truncated_picture_is_corrupt_and_an_unreadable_one_is_not(name: str) -> None:
    data = saved(Image.effect_noise((400, 300), 90), name)
    with pytest.raises(imaging.CorruptImage):
        _picture(data[: len(data) // 2], _IN_STRIPS)

    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if 50_000 < self.tell() < 100_000:
                raise OSError(errno.EIO, "the disk is gone")
            return super().read(size)

    with pytest.raises(OSError, match="the disk is gone"):
        imaging.render(Failing(data), {"a": 24}, limits=_IN_STRIPS)


def test_pyvips_is_not_loaded_for_other_pictures() -> None:
    # libvips does not survive a fork, and the server forks.
    script = """
        import io, sys
        import imaging
        from pregen import tasks
        from pregen.generate import one_image
        imaging.render(io.BytesIO(sys.stdin.buffer.read()), {"a": 24}, limits=one_image.LIMITS)
        assert "pyvips" not in sys.modules
    """
    root = Path(imaging.__file__).parent.parent
    command = [sys.executable, "-c", textwrap.dedent(script)]
    subprocess.run(command, cwd=root, input=saved(quadrants(), "TIFF"), check=True)
