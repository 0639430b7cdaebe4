"""The output of the renderer, beyond the corpus: files, metadata, colours, limits, memory."""

import errno
import io
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest
from PIL import Image, ImageChops, ImageStat

import imaging
from imaging import jpeg_header
from imaging.resize_in_strips import resize_in_strips
from tests.support.corpus import icc, raw_jpeg
from tests.support.corpus.make_corpus import every_recipe
from tests.support.corpus.pictures import quadrants, saved

_SCALES = {"small": 24, "medium": 48, "large": 80}
_BY_NAME = {recipe.name: recipe for recipe in every_recipe()}
_PEAK = """
    import io, resource, sys
    import imaging
    with open(sys.argv[1], "rb") as source:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        imaging.render(source, {"small": 240, "medium": 1024, "large": 1500})
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def _render(data: bytes, scale_px: int = 1500) -> Image.Image:
    thumbnail = imaging.render(io.BytesIO(data), {"only": scale_px}).thumbnails["only"]
    assert thumbnail.data is not None
    return Image.open(io.BytesIO(thumbnail.data))


def _peak_megabytes(path: Path) -> int:
    """The megabytes that rendering `path` adds to the peak memory of a new process."""
    script = [sys.executable, "-c", textwrap.dedent(_PEAK), str(path)]
    root = Path(imaging.__file__).parent.parent
    return int(subprocess.run(script, cwd=root, capture_output=True, check=True, text=True).stdout)


def test_thumbnails_are_progressive_and_subsampled() -> None:
    data = saved(quadrants(size=(400, 300)), "JPEG", quality=95)
    thumbnail = imaging.render(io.BytesIO(data), _SCALES).thumbnails["large"]
    assert thumbnail.data is not None
    assert jpeg_header.read_header(io.BytesIO(thumbnail.data)).progressive
    frame = next(part.body for part in raw_jpeg.take_apart(thumbnail.data) if part.code == 0xC2)
    assert [frame[index] for index in (7, 10, 13)] == [0x22, 0x11, 0x11]


@pytest.mark.parametrize("output_format", ["JPEG", "PNG", "GIF"])
def test_thumbnails_have_the_requested_format_and_look_the_same(
    output_format: imaging.OutputFormat,
) -> None:
    source = quadrants(size=(400, 300))
    rendering = imaging.render(
        io.BytesIO(saved(source, "PNG")), {"only": 80}, output_format=output_format
    ).thumbnails["only"]
    assert rendering.data is not None
    with Image.open(io.BytesIO(rendering.data)) as picture:
        assert (picture.format, picture.size) == (output_format, (80, 60))
        difference = ImageChops.difference(picture.convert("RGB"), source.convert("RGB").resize((80, 60)))
    assert max(ImageStat.Stat(difference).mean) < 4


def test_each_label_gets_its_scale_and_the_files_agree_with_the_values(tmp_path: Path) -> None:
    @contextmanager
    def open_target(label: str) -> Iterator[BinaryIO]:
        with (tmp_path / label).open("wb") as target:
            yield target

    source = io.BytesIO(saved(quadrants(size=(400, 200)), "JPEG"))
    rendering = imaging.render(source, _SCALES, open_target=open_target)
    in_memory = imaging.render(source, _SCALES)
    assert list(rendering.thumbnails) == list(_SCALES)
    for label, thumbnail in rendering.thumbnails.items():
        written = (tmp_path / label).read_bytes()
        assert (thumbnail.label, thumbnail.scale_px, thumbnail.data) == (label, _SCALES[label], None)
        assert (thumbnail.width, thumbnail.height) == (_SCALES[label], _SCALES[label] // 2)
        assert thumbnail.byte_size == len(written) == in_memory.thumbnails[label].byte_size
        assert written == in_memory.thumbnails[label].data
        assert Image.open(io.BytesIO(written)).size == (thumbnail.width, thumbnail.height)


def test_the_order_of_the_labels_and_of_their_scales_does_not_matter() -> None:
    source = io.BytesIO(saved(quadrants(size=(400, 200)), "JPEG"))
    one = imaging.render(source, {"a": 24, "b": 80, "c": 48})
    other = imaging.render(source, {"b": 80, "c": 48, "a": 24})
    assert one.thumbnails == other.thumbnails


def test_a_small_picture_keeps_its_size_under_every_label() -> None:
    rendering = imaging.render(io.BytesIO(saved(quadrants(), "PNG")), {"small": 240, "large": 1500})
    assert {(made.width, made.height) for made in rendering.thumbnails.values()} == {(96, 64)}


def test_a_scale_above_the_longest_jpeg_edge_is_reduced_to_it() -> None:
    wide = saved(Image.new("L", (70_000, 2), 90), "PNG")
    assert _render(wide, 100_000).size == (65_500, 2)


def test_higher_quality_makes_larger_files() -> None:
    source = io.BytesIO(saved(Image.effect_mandelbrot((300, 200), (-2, -1, 1, 1), 60), "PNG"))
    sizes = [
        imaging.render(source, {"a": 200}, quality=quality).thumbnails["a"].byte_size
        for quality in (40, 82, 95)
    ]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("scales", [{}, {"small": 0}, {"small": -5, "large": 80}])
def test_invalid_scales_raise_value_error(scales: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="scales"):
        imaging.render(io.BytesIO(saved(quadrants(), "PNG")), scales)


def test_thumbnails_have_no_metadata() -> None:
    for name in ("jpeg-with-metadata", "jpeg-orientation-6", "png-orientation-6", "webp-orientation-6"):
        thumbnail = imaging.render(io.BytesIO(_BY_NAME[name].data), {"only": 80}).thumbnails["only"]
        assert thumbnail.data is not None
        codes = {part.code for part in raw_jpeg.take_apart(thumbnail.data)}
        # JFIF, tables, frame and scans: no application data, no comment.
        assert codes <= {0xE0, 0xDB, 0xC2, 0xC4, 0xDA}
        assert b"here it was taken" not in thumbnail.data


def test_colours_of_a_wide_profile_are_converted_and_not_just_relabelled() -> None:
    patch = Image.new("RGB", (64, 64), (200, 80, 40))
    wide = saved(patch, "PNG", icc_profile=icc.display_p3_profile())
    # Reference: Display P3 (200, 80, 40) in sRGB, from the primaries' matrices by hand.
    assert _close(_render(wide), (216, 69, 17))
    assert _close(_render(saved(patch, "PNG", icc_profile=icc.srgb_profile())), (200, 80, 40))


def test_gray_of_another_curve_is_converted() -> None:
    linear = saved(Image.new("L", (64, 64), 128), "PNG", icc_profile=icc.linear_gray_profile())
    assert _close(_render(linear), (188, 188, 188))


def test_transparent_edges_get_no_dark_fringe() -> None:
    picture = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    picture.paste((255, 240, 230, 255), (101, 101, 299, 299))
    reduced = _render(saved(picture, "PNG"), 100).convert("L")
    darkest = reduced.getextrema()[0]
    assert isinstance(darkest, int | float)
    assert darkest >= 225


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    ramp = Image.new("I;16", (256, 8))
    for value in range(256):
        for y in range(8):
            ramp.putpixel((value, y), value * 257)
    out = _render(saved(ramp, "PNG")).convert("L").crop((0, 4, 256, 5)).tobytes()
    assert all(abs(found - value) <= 4 for value, found in enumerate(out))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_upright_at_reduced_size_too(orientation: int) -> None:
    recipe = _BY_NAME[f"jpeg-orientation-{orientation}"]
    assert imaging.probe(io.BytesIO(recipe.data)).orientation == orientation
    reduced = _render(recipe.data, 48)
    assert reduced.size == (48, 32)
    difference = ImageChops.difference(reduced.convert("RGB"), quadrants().resize((48, 32)))
    assert max(ImageStat.Stat(difference).mean) < 6


def test_only_the_first_frame_is_rendered_and_frames_are_counted() -> None:
    for name in ("gif-thousand-frames", "png-thousand-frames", "webp-thousand-frames"):
        data = _BY_NAME[name].data
        assert imaging.probe(io.BytesIO(data)).frames == 1_000
        assert _close(_render(data), (0, 0, 0))
    assert imaging.probe(io.BytesIO(_BY_NAME["avif-animated"].data)).frames == 5
    assert imaging.probe(io.BytesIO(_BY_NAME["jpeg-of-a-stereo-camera"].data)).format == "JPEG"


def test_limits_are_checked_from_the_header_by_the_coding_of_a_jpeg() -> None:
    limits = imaging.Limits(pixels=10_000, pixels_baseline_jpeg=30_000, pixels_progressive_jpeg=20_000)
    picture = quadrants(size=(200, 100))  # 20,000
    taller = quadrants(size=(200, 102))  # 20,400
    imaging.probe(io.BytesIO(saved(taller, "JPEG")), limits)
    imaging.probe(io.BytesIO(saved(picture, "JPEG", progressive=True)), limits)
    for refused in (saved(taller, "JPEG", progressive=True), saved(picture, "PNG"), saved(picture, "WEBP")):
        with pytest.raises(imaging.TooManyPixels, match="200 x 10"):
            imaging.probe(io.BytesIO(refused), limits)


def test_scans_of_a_thumbnail_inside_the_header_are_not_counted() -> None:
    inner = saved(quadrants(), "JPEG", progressive=True)
    outer = raw_jpeg.with_segment(saved(quadrants(), "JPEG", progressive=True), 0xE3, inner * 40)
    assert imaging.render(io.BytesIO(outer), {"a": 24}).width == 96


def test_a_jpeg_is_decoded_at_reduced_scale(tmp_path: Path) -> None:
    # 48 Mpx: 192 MB decoded in full, 12 MB at a quarter.
    path = tmp_path / "large.jpg"
    Image.new("RGB", (8_000, 6_000), "teal").save(path, "JPEG")
    assert _peak_megabytes(path) < 80


def test_an_image_near_the_limit_is_in_memory_once(tmp_path: Path) -> None:
    # 64 Mpx with alpha: 256 MB decoded; a second copy on white would make it 512.
    path = tmp_path / "large.png"
    Image.new("RGBA", (8_000, 8_000), (10, 200, 90, 120)).save(path, "PNG", compress_level=1)
    assert _peak_megabytes(path) < 340


def test_strips_leave_no_seams() -> None:
    picture = Image.effect_mandelbrot((900, 1_300), (-2, -1.4, 1, 1.4), 80).convert("RGB")
    size = (611, 883)
    whole = picture.resize(size, Image.Resampling.BICUBIC)
    banded = resize_in_strips(picture, size, Image.Resampling.BICUBIC, (0, 0, 900, 1_300))
    rows = ImageChops.difference(whole, banded).convert("L").resize((1, 883), Image.Resampling.BOX)
    brightest = rows.getextrema()[1]
    assert isinstance(brightest, int | float)
    assert brightest <= 2


def test_a_read_error_is_not_reported_as_a_corrupt_image() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 300:
                raise OSError(errno.EIO, "the disk is gone")
            return super().read(size)

    with pytest.raises(OSError, match="the disk is gone"):
        imaging.render(Failing(saved(quadrants(size=(900, 600)), "JPEG")), {"a": 24})


def test_a_write_error_is_not_reported_as_a_corrupt_image() -> None:
    @contextmanager
    def full(_label: str) -> Iterator[BinaryIO]:
        with Path("/dev/full").open("wb", buffering=0) as target:
            yield target

    with pytest.raises(OSError, match="No space left"):
        imaging.render(io.BytesIO(saved(quadrants(), "JPEG")), {"a": 24}, open_target=full)


def test_importing_and_probing_change_no_process_wide_setting() -> None:
    script = textwrap.dedent("""
        import io, warnings
        from PIL import Image, ImageFile
        before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
        import imaging
        imaging.probe(io.BytesIO(open(0, "rb").read()))
        assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)) == before
        assert "HEIF" not in Image.OPEN
    """)
    root = Path(imaging.__file__).parent.parent
    subprocess.run(
        [sys.executable, "-c", script],
        cwd=root,
        input=_BY_NAME["heic-plain"].data,
        capture_output=True,
        check=True,
    )


def _close(picture: Image.Image, wanted: tuple[int, int, int]) -> bool:
    found = picture.convert("RGB").resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert isinstance(found, tuple)
    return all(abs(a - b) <= 3 for a, b in zip(found, wanted, strict=True))


def test_a_thumbnail_truncated_by_a_full_disk_raises() -> None:
    photo = io.BytesIO()
    Image.effect_noise((600, 400), 60).convert("RGB").save(photo, "JPEG")
    program = (
        "import io, resource, signal, sys, tempfile, imaging\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))\n"
        "photo = io.BytesIO(sys.stdin.buffer.read())\n"
        "for output_format in ('JPEG', 'PNG', 'GIF'):\n"
        "    try:\n"
        "        imaging.render(photo, {'small': 200}, output_format=output_format,\n"
        "                       open_target=lambda _: tempfile.TemporaryFile())\n"
        "    except OSError:\n"
        "        print(output_format)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], input=photo.getvalue(), capture_output=True, check=False
    )
    assert ran.stdout.split() == [b"JPEG", b"PNG", b"GIF"], ran.stderr.decode()
