"""The rule for the original of a thumbnail, and the merge of two listings compared with a plain lookup."""

import os
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filestore.store import FolderFiles
from pregen.scan.image_names import is_image, original_of
from pregen.scan.matching import Matcher


@pytest.mark.parametrize(
    ("thumbnail", "original", "scale"),
    [
        ("x_200.jpg", "x.jpg", 200),
        ("X_200.JPG", "X.JPG", 200),
        ("a.tar_200.jpg", "a.tar.jpg", 200),
        ("under_score_x_200.jpg", "under_score_x.jpg", 200),
        ("big_200_200.jpg", "big_200.jpg", 200),
        ("big_200.jpg", "big.jpg", 200),
        ("x_0200.jpg", "x.jpg", 200),
        ("x.jpg", "x.jpg", 0),
        ("x_.jpg", "x_.jpg", 0),
        ("x_200px.jpg", "x_200px.jpg", 0),
        ("x_٢٠٠.jpg", "x_٢٠٠.jpg", 0),
        ("_200.jpg", "_200.jpg", 0),
        ("new\nline_7.png", "new\nline.png", 7),
    ],
)
def test_the_last_digits_are_the_scale(thumbnail: str, original: str, scale: int) -> None:
    assert original_of(thumbnail) == (original, scale)


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.b.Png", "a.gif", "a.tif", "a.TIFF", "a.bmp"])
def test_images_are_recognised_by_their_last_extension(name: str) -> None:
    assert is_image(name)
    assert not is_image(f"{name}.txt")


@pytest.mark.parametrize("name", ["a", "jpg", ".jpg", "a.webp", "a.jpg~"])
def test_other_files_are_not_images(name: str) -> None:
    assert not is_image(name)


stems = st.text("a0_-.é ", min_size=1, max_size=4)
folders = st.sampled_from(["", "a", "a-", "a/b", "a0", "a.jpg", "é"])
extensions = st.sampled_from([".jpg", ".JPG", ".png", ".txt"])
originals_keys = st.sets(st.tuples(folders, st.builds(str.__add__, stems, extensions)), max_size=12)
scales = st.sampled_from(["", "_1", "_20", "_200", "_0200"])


def _runs(keys: set[tuple[str, str]], max_files: int) -> list[FolderFiles]:
    """The listing of a store in byte order, in parts of at most `max_files` files, like pages."""
    ordered = sorted(keys, key=lambda key: os.fsencode(f"{key[0]}/{key[1]}" if key[0] else key[1]))
    runs = []
    for folder, group in groupby(ordered, key=lambda key: key[0]):
        files = [(name, 1, 0, "") for _, name in group]
        runs += [FolderFiles(folder, files[at : at + max_files]) for at in range(0, len(files), max_files)]
    return runs


@given(originals_keys, st.data(), st.integers(1, 5), st.integers(1, 5))
def test_the_merge_equals_a_lookup_of_each_name(
    originals: set[tuple[str, str]], data: st.DataObject, max_originals: int, max_thumbnails: int
) -> None:
    near = st.builds(
        lambda key, scale: (key[0], key[1].rpartition(".")[0] + scale + "." + key[1].rpartition(".")[2]),
        st.sampled_from(sorted(originals)) if originals else st.tuples(folders, st.just("x.jpg")),
        scales,
    )
    thumbnails = data.draw(
        st.sets(st.one_of(near, st.tuples(folders, st.builds(str.__add__, stems, extensions))))
    )

    expected: dict[tuple[str, str], dict[int, str]] = {}
    orphans = 0
    for folder, name in sorted(thumbnails, key=lambda key: os.fsencode(key[1])):
        original, scale = original_of(name)
        if not is_image(name):
            continue
        if (folder, original) in originals and is_image(original):
            expected.setdefault((folder, original), {})[scale] = name
        else:
            orphans += 1

    matcher = Matcher(iter(_runs(originals, max_originals)), iter(_runs(thumbnails, max_thumbnails)))
    found: dict[tuple[str, str], dict[int, str]] = {}
    order = []
    for matched in matcher.matched():
        for name, *_ in matched.originals:
            order.append((matched.folder, name))
            if name in matched.thumbnails:
                by_scale = {scale: file[0] for scale, file in matched.thumbnails[name].items()}
                found[matched.folder, name] = by_scale
    assert found == expected
    assert order == [
        (run.folder, file[0]) for run in _runs(originals, 99) for file in run.files if is_image(file[0])
    ]
    doubles = len([1 for _, name in thumbnails if is_image(name)]) - orphans - sum(map(len, found.values()))
    assert matcher.without_original == orphans or doubles > 0
