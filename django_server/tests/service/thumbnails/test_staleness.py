"""A stale thumbnail is generated again exactly once; then it is valid."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as current
from django.test import Client
from PIL import Image as Picture

from config.env_reader import env, thumbnail_sizes
from filestore.local import LocalStore
from images.models import Image, Thumbnail
from images.row_values import ThumbnailValues
from images.thumbnail_rules import is_valid, missing_scales
from imaging import RECIPE
from tests.support.images.completed_images import archived, completed_upload, request_thumbnail, stored_file
from tests.support.images.pictures import jpeg

pytestmark = pytest.mark.django_db(transaction=True)


def urls(image: Image) -> dict[str, str]:
    found: dict[str, str] = Client().get(f"/api/images/{image.id}").json()["thumbnails"]
    return found


def inode(url: str) -> int:
    return stored_file(url).stat().st_ino


def other_sizes(image: Image, settings: Any) -> None:
    settings.THUMBNAILS = {"SIZES": {"small": 200, "medium": 1024, "large": 1500}, "QUALITY": 82}


def blank_key(image: Image, settings: Any) -> None:
    Thumbnail.objects.filter(label="small").update(key="")


def older_recipe(image: Image, settings: Any) -> None:
    Thumbnail.objects.filter(label="small").update(recipe="0:older")


def other_source(image: Image, settings: Any) -> None:
    Thumbnail.objects.filter(label="small").update(source_version="of other bytes")


@pytest.mark.parametrize("make_stale", [other_sizes, blank_key, older_recipe, other_source])
def test_a_stale_thumbnail_is_generated_once_and_the_others_stay(
    make_stale: Callable[[Image, Any], None], settings: Any
) -> None:
    image = completed_upload()
    before = urls(image)
    make_stale(image, settings)
    assert urls(image)["small"] == f"/api/thumbnails/{image.id}?label=small"
    medium = inode(before["medium"])
    assert request_thumbnail(image, "small").status_code == 302
    made = urls(image)
    first = inode(made["small"])
    assert request_thumbnail(image, "small").status_code == 302
    assert urls(image) == made
    assert (inode(made["small"]), inode(made["medium"])) == (first, medium)


def test_sizes_that_the_environment_changes_are_generated_when_they_are_requested(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = completed_upload()
    before = urls(image)
    monkeypatch.setitem(env.ENVIRON, "THUMBNAIL_SIZES", "poster:400,medium:1024")
    settings.THUMBNAILS = {"SIZES": thumbnail_sizes("THUMBNAIL_SIZES", ""), "QUALITY": 82}
    links = urls(image)
    assert links == {"poster": f"/api/thumbnails/{image.id}?label=poster", "medium": before["medium"]}
    assert request_thumbnail(image, "poster").status_code == 302
    with Picture.open(stored_file(urls(image)["poster"])) as poster:
        assert max(poster.size) == 400
    assert stored_file(before["small"]).exists()


def test_the_file_of_a_replaced_size_is_deleted(settings: Any, stored_keys: Any) -> None:
    image = completed_upload()
    other_sizes(image, settings)
    request_thumbnail(image, "small")
    names = {Path(key).name for key in stored_keys()}
    assert f"{image.id}_240.jpg" not in names
    assert f"{image.id}_200.jpg" in names


def test_a_file_that_another_label_uses_stays(settings: Any) -> None:
    image = completed_upload()
    settings.THUMBNAILS = {"SIZES": {"small": 1024, "medium": 240, "large": 1500}, "QUALITY": 82}
    for label in ("small", "medium"):
        assert request_thumbnail(image, label).status_code == 302
    assert all(stored_file(url).exists() for url in urls(image).values())


def test_a_replaced_original_of_an_archive_changes_every_url() -> None:
    image = archived(content=jpeg(640, 400, "red"))
    request_thumbnail(image)
    before = urls(image)
    path = Path(current.MEDIA_ROOT) / image.key
    path.write_bytes(jpeg(800, 400, "blue"))
    # As `register` or `reconcile` would write it.
    version = LocalStore(Path(current.MEDIA_ROOT)).stat(image.key).version
    Image.objects.update(source_version=version)
    assert urls(image)["large"].startswith("/api/")
    request_thumbnail(image)
    after = urls(image)
    assert not set(before.values()) & set(after.values())
    image.refresh_from_db()
    assert (image.width, image.height, image.byte_size) == (800, 400, path.stat().st_size)


def test_a_replaced_original_is_noticed_when_another_label_is_generated() -> None:
    image = archived()
    request_thumbnail(image)
    path = Path(current.MEDIA_ROOT) / image.key
    path.write_bytes(jpeg(800, 400, "blue"))
    Thumbnail.objects.filter(label="large").delete()
    request_thumbnail(image, "large")
    recipes = Thumbnail.objects.values_list("source_version", flat=True)
    image.refresh_from_db()
    assert set(recipes) == {image.source_version}
    assert image.source_version == LocalStore(Path(current.MEDIA_ROOT)).stat(image.key).version


def test_a_file_of_the_same_time_and_another_size_has_another_version() -> None:
    image = archived()
    path = Path(current.MEDIA_ROOT) / image.key
    stat = path.stat()
    path.write_bytes(jpeg(800, 400, "blue"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert LocalStore(Path(current.MEDIA_ROOT)).stat(image.key).version != image.source_version


def row(**changes: Any) -> ThumbnailValues:
    values = {
        "image_id": 1,
        "label": "small",
        "key": "k",
        "scale": 240,
        "source_version": "s",
        "recipe": RECIPE,
    }
    return ThumbnailValues(**{**values, **changes})  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("thumbnail", "valid"),
    [
        (row(), True),
        (None, False),
        (row(key=""), False),
        (row(scale=239), False),
        (row(source_version="t"), False),
        (row(recipe="0"), False),
        (row(source_version="", recipe=""), True),
    ],
)
def test_a_row_is_valid_if_all_known_values_agree(thumbnail: ThumbnailValues | None, valid: bool) -> None:
    assert is_valid(thumbnail, 240, "s") is valid


def test_an_unknown_source_is_trusted_and_missing_scales_are_those_without_a_valid_row() -> None:
    assert is_valid(row(), 240, "")
    assert missing_scales({"small": row()}, "s") == {"medium": 1024, "large": 1500}
