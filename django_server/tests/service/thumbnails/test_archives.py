"""Archives: originals are never changed, and thumbnails keep the names that other programs know."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as current
from django.test import Client
from PIL import Image as Picture

from images.models import Image, Thumbnail
from tests.support.corpus.pictures import quadrants, saved
from tests.support.images.completed_images import archived, request_thumbnail, stored_file

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("name", "written_as", "found"),
    [
        ("X.JPG", "JPEG", "JPEG"),
        ("a.png", "PNG", "PNG"),
        ("a.gif", "GIF", "GIF"),
        ("a.tif", "TIFF", "JPEG"),
        ("a.TIFF", "TIFF", "JPEG"),
        ("a.bmp", "BMP", "JPEG"),
        ("in truth a png.jpg", "PNG", "JPEG"),
    ],
)
def test_an_archives_thumbnail_keeps_the_originals_name_and_has_a_browser_format(
    name: str, written_as: str, found: str
) -> None:
    image = archived(name, saved(quadrants(size=(640, 400)), written_as))
    answer = request_thumbnail(image, "small")
    assert answer.status_code == 302, answer.content
    stem, _, extension = name.rpartition(".")
    path = stored_file(Thumbnail.objects.get(label="small").key.join(["/media/", "?v=x"]))
    assert path.name == f"{stem}_240.{extension}"
    with Picture.open(path) as picture:
        assert (picture.format, picture.size) == (found, (240, 150))
    image.refresh_from_db()
    assert (image.width, image.height) == (640, 400)


def test_nothing_of_an_archive_is_ever_deleted(settings: Any, stored_keys: Any) -> None:
    image = archived()
    request_thumbnail(image)
    before = set(stored_keys())
    assert len(before) == 4
    settings.THUMBNAILS = {"SIZES": {"small": 200, "medium": 400, "large": 1500}, "QUALITY": 82}
    request_thumbnail(image)
    assert before < set(stored_keys())
    everything = set(stored_keys())
    assert Client().delete(f"/api/images/{image.id}").status_code == 204
    assert not Image.objects.exists()
    assert set(stored_keys()) == everything


def test_an_original_is_read_and_not_written() -> None:
    image = archived()
    path = Path(current.MEDIA_ROOT) / image.key
    path.chmod(0o400)
    before = (path.read_bytes(), path.stat())
    request_thumbnail(image)
    assert (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) == (
        before[0],
        before[1].st_mtime_ns,
        before[1].st_ino,
    )
