"""The naming rule: building and parsing keys."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filestore.keys import InvalidKey, OriginalKey, parse_original, parse_thumbnail, thumbnail_key, upload_key

part = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=12
)
prefixes = st.lists(part, max_size=2).map("/".join)
collections = part.filter(lambda name: name not in ("originals", "thumbnails"))
folders = st.lists(part.filter(lambda name: name not in ("originals", "thumbnails")), max_size=3).map(
    "/".join
)
extensions = st.text(string.ascii_letters, min_size=1, max_size=4)
originals = st.builds(
    OriginalKey, prefixes, collections, folders, st.text(string.printable.replace("/", "")), extensions
)


@given(originals)
def test_an_original_key_reads_back_as_it_was_built(original: OriginalKey) -> None:
    assert parse_original(str(original), original.prefix) == original


@given(originals, st.integers(1, 99999))
def test_a_thumbnail_key_reads_back_as_it_was_built(original: OriginalKey, scale_px: int) -> None:
    key = thumbnail_key(original, scale_px)
    assert parse_thumbnail(str(key), original.prefix) == key
    assert key.scale_px == scale_px


@given(originals, st.integers(1, 9999), st.integers(1, 9999))
def test_no_two_scales_share_a_key(original: OriginalKey, one: int, other: int) -> None:
    assert (str(thumbnail_key(original, one)) == str(thumbnail_key(original, other))) == (one == other)


def test_an_upload_is_spread_over_two_levels_of_folders() -> None:
    key = upload_key("attachments", "uploads", "0f0c77aa", "webp")
    assert str(key) == "attachments/uploads/originals/0f/0c/0f0c77aa.webp"
    assert str(thumbnail_key(key, 240, "jpg")) == "attachments/uploads/thumbnails/0f/0c/0f0c77aa_240.jpg"


@pytest.mark.parametrize(
    ("name", "of", "scale_px"),
    [
        ("under_score_x_200.jpg", "under_score_x.jpg", 200),
        ("big_200_200.jpg", "big_200.jpg", 200),
        ("big_200.jpg", "big.jpg", 200),
        ("a.tar_200.jpg", "a.tar.jpg", 200),
        ("X_0200.JPG", "X.JPG", 200),
    ],
)
def test_the_last_digits_of_a_name_are_the_scale(name: str, of: str, scale_px: int) -> None:
    key = parse_thumbnail(f"attachments/fungi/thumbnails/0a/1b/{name}", "attachments")
    assert str(key.original) == f"attachments/fungi/originals/0a/1b/{of}"
    assert key.scale_px == scale_px


@pytest.mark.parametrize(
    "key",
    [
        "",
        "attachments",
        "attachments/fungi/originals/noextension",
        "elsewhere/fungi/originals/aa/bb/x.jpg",
        "attachments/originals/x.jpg",
        "attachments/a/b/originals/x.jpg",
    ],
)
def test_a_key_that_does_not_follow_the_rule_is_rejected(key: str) -> None:
    with pytest.raises(InvalidKey):
        parse_original(key, "attachments")


@pytest.mark.parametrize("name", ["x.jpg", "x_.jpg", "x_12a.jpg", "x_٣.jpg"])
def test_a_thumbnail_key_without_a_scale_is_rejected(name: str) -> None:
    with pytest.raises(InvalidKey):
        parse_thumbnail(f"attachments/fungi/thumbnails/{name}", "attachments")


def test_an_upload_name_without_hex_digits_is_rejected() -> None:
    with pytest.raises(InvalidKey):
        upload_key("attachments", "uploads", "zz99", "jpg")
