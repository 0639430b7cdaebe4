"""Property tests of the arithmetic on sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import imaging
from imaging.geometry import reduction_factor, upright

_EDGE = st.integers(1, 200_000)


@given(_EDGE, _EDGE, _EDGE)
def test_nothing_is_enlarged_and_no_edge_vanishes(width: int, height: int, scale_px: int) -> None:
    fitted = imaging.fit(width, height, scale_px)
    assert 1 <= fitted[0] <= width
    assert 1 <= fitted[1] <= height


@given(_EDGE, _EDGE, _EDGE)
def test_the_longest_edge_is_the_scale_or_the_pictures_own(width: int, height: int, scale_px: int) -> None:
    assert max(imaging.fit(width, height, scale_px)) == min(scale_px, max(width, height))


@given(_EDGE, _EDGE, _EDGE)
def test_aspect_is_kept_to_half_a_pixel(width: int, height: int, scale_px: int) -> None:
    fitted = imaging.fit(width, height, scale_px)
    share = max(fitted) / max(width, height)
    assert abs(fitted[0] - width * share) <= 0.5 + 1e-6 or fitted[0] == 1
    assert abs(fitted[1] - height * share) <= 0.5 + 1e-6 or fitted[1] == 1


@given(_EDGE, _EDGE, _EDGE)
def test_rotating_before_or_after_fitting_gives_the_same_size(width: int, height: int, scale_px: int) -> None:
    assert imaging.fit(height, width, scale_px) == imaging.fit(width, height, scale_px)[::-1]


@given(_EDGE, _EDGE, st.integers(1, 8))
def test_upright_is_its_own_inverse(width: int, height: int, orientation: int) -> None:
    assert upright(*upright(width, height, orientation), orientation) == (width, height)


@given(_EDGE, _EDGE, _EDGE, st.integers(1, 2))
def test_a_reduced_picture_is_not_smaller_than_the_wanted_size(
    width: int, height: int, scale_px: int, gap: int
) -> None:
    wanted = imaging.fit(width, height, scale_px)
    factor = reduction_factor((width, height), wanted, gap)
    assert factor >= 1
    assert -(-width // factor) >= wanted[0]
    assert -(-height // factor) >= wanted[1]


@pytest.mark.parametrize("sizes", [(0, 5, 5), (5, 0, 5), (5, 5, 0), (-1, 5, 5)])
def test_sizes_below_one_raise_value_error(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="sizes start at 1"):
        imaging.fit(*sizes)


@pytest.mark.parametrize(
    ("size", "scale_px", "fitted"),
    [
        ((10_000, 30), 240, (240, 1)),
        ((1, 1), 1500, (1, 1)),
        ((4000, 3000), 1500, (1500, 1125)),
        ((2, 400), 1500, (2, 400)),
    ],
)
def test_extreme_shapes(size: tuple[int, int], scale_px: int, fitted: tuple[int, int]) -> None:
    assert imaging.fit(*size, scale_px) == fitted
