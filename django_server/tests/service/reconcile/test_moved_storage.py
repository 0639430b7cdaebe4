"""A changed MEDIA_ROOT is reported at start, with the place where the files were."""

from pathlib import Path
from typing import Any

import pytest

from images.models import Image
from images.reconcile.moved_storage import moved_storage_warning
from tests.support.images.old_images import archived, path_of, uploaded

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def data_dir(settings: Any, tmp_path: Path) -> None:
    """No test finds the place that another one remembered."""
    settings.DATA_DIR = tmp_path


def test_a_new_site_and_one_whose_files_exist_get_no_warning() -> None:
    assert moved_storage_warning() is None
    uploaded(2)
    archived("one.jpg")
    assert moved_storage_warning() is None


def test_after_a_change_both_places_are_named_at_every_start_until_the_files_are_there(
    settings: Any, tmp_path: Path
) -> None:
    uploaded(3)
    assert moved_storage_warning() is None
    before, now = Path(settings.MEDIA_ROOT), tmp_path / "archive"
    settings.MEDIA_ROOT = now
    for _ in range(2):
        assert moved_storage_warning() == (
            f"3 of 3 checked images have no file in MEDIA_ROOT {now}. The files were in MEDIA_ROOT {before} at the "
            "last start: set it back, or move the files. A separate archive needs a DATA_DIR of its own."
        )
    uploaded(12)
    warning = moved_storage_warning()
    assert warning is not None
    assert warning.startswith("3 of 15 checked images have no file")
    for image in Image.objects.all():
        old = before / image.key
        if old.exists():
            path_of(image.key).parent.mkdir(parents=True, exist_ok=True)
            old.rename(path_of(image.key))
    assert moved_storage_warning() is None
    settings.MEDIA_ROOT = before
    assert "The files were in MEDIA_ROOT" in (moved_storage_warning() or "")


def test_a_change_before_the_first_upload_needs_no_warning(settings: Any, tmp_path: Path) -> None:
    assert moved_storage_warning() is None
    settings.MEDIA_ROOT = tmp_path / "archive"
    assert moved_storage_warning() is None
    uploaded()
    assert moved_storage_warning() is None


def test_an_unmounted_volume_is_reported(settings: Any) -> None:
    uploaded(2)
    assert moved_storage_warning() is None
    path_of("").rename(path_of("").with_name("unmounted"))
    assert moved_storage_warning() == (
        f"2 of 2 checked images have no file in MEDIA_ROOT {settings.MEDIA_ROOT}. "
        "Is the volume mounted, or was it moved?"
    )


def test_a_single_lost_file_and_a_known_missing_one_are_left_to_reconcile() -> None:
    first, second = uploaded(2)
    path_of(first.key).unlink()
    assert moved_storage_warning() is None
    Image.objects.update(original_missing=True)
    path_of(second.key).unlink()
    assert moved_storage_warning() is None
