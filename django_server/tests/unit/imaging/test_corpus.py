"""Every file of the corpus is probed and rendered: it has the expected outcome and shows the expected image."""

import io
import time
from pathlib import Path

import pytest
from PIL import Image

import imaging
from imaging.flatten import shrink
from imaging.probe import open_checked
from tests.support.corpus.make_corpus import COMPLETED, Recipe, build, every_recipe
from tests.support.corpus.pictures import GRAYS, QUADRANTS

_RECIPES = every_recipe()
_GOOD = [recipe for recipe in _RECIPES if recipe.outcome == COMPLETED]
_BAD = [recipe for recipe in _RECIPES if recipe.outcome != COMPLETED]
_SHOWN = {
    "quadrants": QUADRANTS,
    "grays": tuple((value,) * 3 for value in GRAYS),
    "dark above white": ((0, 0, 0), (85, 85, 85), (255, 255, 255), (255, 255, 255)),
    "white": ((255, 255, 255),) * 4,
}
_TOLERANCE = 12  # of 255: two lossy codecs in a row
_SLOWEST_SECONDS = 5


def _named(recipe: Recipe) -> str:
    return recipe.name


def _centres(picture: Image.Image) -> list[tuple[int, ...]]:
    """The colours in the middle of the four quarters."""
    data, (width, height) = picture.convert("RGB").tobytes(), picture.size
    starts = [3 * (height * y // 4 * width + width * x // 4) for y in (1, 3) for x in (1, 3)]
    return [tuple(data[start : start + 3]) for start in starts]


def _differs(found: list[tuple[int, ...]], wanted: tuple[tuple[int, ...], ...]) -> int:
    """The largest difference of any value, 0..255."""
    pairs = zip(found, wanted, strict=True)
    return max(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("recipe", _GOOD, ids=_named)
def test_a_good_file_completes_at_the_size_it_is_displayed_at(recipe: Recipe) -> None:
    source = io.BytesIO(recipe.data)
    found = imaging.probe(source)
    rendering = imaging.render(source, {"small": 24, "large": 1500})
    assert (found.width, found.height) == (recipe.width, recipe.height)
    assert (rendering.width, rendering.height) == (recipe.width, recipe.height)
    assert found.media_type in imaging.ACCEPTED_MEDIA_TYPES
    for thumbnail in rendering.thumbnails.values():
        assert thumbnail.data is not None
        assert Image.open(io.BytesIO(thumbnail.data)).size == (thumbnail.width, thumbnail.height)
        assert (thumbnail.width, thumbnail.height) == imaging.fit(
            found.width, found.height, thumbnail.scale_px
        )


@pytest.mark.parametrize("recipe", [recipe for recipe in _GOOD if recipe.shows], ids=_named)
@pytest.mark.parametrize("scale_px", [1500, 32], ids=["own size", "reduced"])
def test_a_good_file_has_the_expected_colours(recipe: Recipe, scale_px: int) -> None:
    thumbnail = imaging.render(io.BytesIO(recipe.data), {"only": scale_px}).thumbnails["only"]
    assert thumbnail.data is not None
    found = _centres(Image.open(io.BytesIO(thumbnail.data)))
    assert _differs(found, _SHOWN[recipe.shows or ""]) <= _TOLERANCE, found


@pytest.mark.parametrize("recipe", [recipe for recipe in _GOOD if recipe.shows], ids=_named)
def test_a_good_file_reduced_in_strips_gives_the_same_image(recipe: Recipe) -> None:
    opened = open_checked(io.BytesIO(recipe.data), imaging.Limits())
    opened.image.load()
    whole = shrink(opened.image, 1)
    banded = shrink(opened.image, 3)
    assert banded.mode == whole.mode
    assert banded.size == (-(-whole.width // 3), -(-whole.height // 3))
    assert _differs(_centres(banded), tuple(_centres(whole))) <= _TOLERANCE


@pytest.mark.parametrize("recipe", _BAD, ids=_named)
def test_a_bad_file_is_rejected_quickly_with_its_code_and_message(recipe: Recipe) -> None:
    started = time.process_time()
    with pytest.raises(imaging.ImagingError) as refusal:
        imaging.render(io.BytesIO(recipe.data), {"small": 240, "medium": 1024, "large": 1500})
    assert refusal.value.code == recipe.outcome
    assert refusal.value.message.startswith("This ")
    assert refusal.value.message.endswith(".")
    assert str(refusal.value) == refusal.value.message
    assert time.process_time() - started < _SLOWEST_SECONDS


@pytest.mark.parametrize("recipe", _BAD, ids=_named)
def test_the_header_alone_never_gives_another_code_than_the_whole(recipe: Recipe) -> None:
    verdict = "corrupt_image"  # a probe may miss damage after the header
    try:
        imaging.probe(io.BytesIO(recipe.data))
    except imaging.ImagingError as refusal:
        verdict = refusal.code
    assert verdict == recipe.outcome


def test_an_unaccepted_type_or_size_is_rejected_from_the_header() -> None:
    for recipe in _BAD:
        if recipe.outcome != "corrupt_image":
            with pytest.raises(imaging.ImagingError):
                imaging.probe(io.BytesIO(recipe.data))


def test_the_corpus_on_disk_is_the_corpus_in_memory_and_the_same_every_time(tmp_path: Path) -> None:
    every_recipe.cache_clear()  # `build` makes the corpus a second time
    entries = build(tmp_path)
    assert [entry.path.read_bytes() for entry in entries] == [recipe.data for recipe in _RECIPES]
    assert [entry.name for entry in entries] == [recipe.name for recipe in _RECIPES]
