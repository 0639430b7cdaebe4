"""The EXIF orientation, read from valid, truncated and hostile blocks."""

import struct

from hypothesis import given
from hypothesis import strategies as st

from imaging.exif_orientation import orientation_of
from tests.support.corpus.raw_jpeg import exif


@given(st.integers(1, 8), st.booleans())
def test_an_orientation_is_read_in_both_byte_orders_with_and_without_prefix(
    value: int, prefixed: bool
) -> None:
    assert orientation_of(exif(value) if prefixed else exif(value)[6:]) == value
    big = b"MM\0*" + struct.pack(">IHHHIHH", 8, 1, 0x0112, 3, 1, value, 0)
    assert orientation_of(b"Exif\0\0" * prefixed + big) == value


@given(st.binary(max_size=300))
def test_any_bytes_give_some_orientation(block: bytes) -> None:
    assert orientation_of(block) in range(1, 9)
    assert orientation_of(b"Exif\0\0II*\0" + block) in range(1, 9)


@given(st.integers(0, 65_535).filter(lambda value: not 1 <= value <= 8))
def test_an_invalid_orientation_is_read_as_1(value: int) -> None:
    assert orientation_of(exif(value)) == 1


def test_missing_exif_is_read_as_orientation_1() -> None:
    assert orientation_of(None) == 1
    assert orientation_of(b"") == 1
