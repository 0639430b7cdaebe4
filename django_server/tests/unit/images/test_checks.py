"""Settings that could not work are told in a sentence, at the start, by whatever starts."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from images.checks import incoming_is_beside_media, refuse_unsound_settings, thumbnails_are_sound


@pytest.mark.parametrize(
    "sizes",
    [{}, None, {"small": 0}, {"small": "240"}, {"small": True}, {"a/b": 240}, {"": 240}, {"x" * 41: 240}],
)
def test_unsound_sizes_are_refused_at_the_start(sizes: Any, settings: Any) -> None:
    assert thumbnails_are_sound() == []
    settings.THUMBNAILS = {"SIZES": sizes, "QUALITY": 82}
    assert [error.id for error in thumbnails_are_sound()] == ["images.E001"]
    with pytest.raises(ImproperlyConfigured, match="must map at least one label"):
        refuse_unsound_settings()


def test_a_spool_that_anybody_may_read_is_refused(settings: Any) -> None:
    settings.INCOMING_ROOT = Path(settings.MEDIA_ROOT) / "incoming"
    assert [error.id for error in incoming_is_beside_media()] == ["images.E004"]


def test_a_spool_on_another_file_system_is_refused_with_the_setting(settings: Any) -> None:
    memory = Path("/dev/shm")  # noqa: S108  another file system than the tests' folder, but in a bare root
    if not memory.is_dir() or memory.stat().st_dev == Path(settings.MEDIA_ROOT).parent.stat().st_dev:
        pytest.skip("There is one file system only.")
    settings.INCOMING_ROOT = memory / "django-file-upload-tests"
    try:
        (error,) = incoming_is_beside_media()
    finally:
        settings.INCOMING_ROOT.rmdir()
    assert (error.id, "INCOMING_ROOT" in str(error.hint)) == ("images.E003", True)
