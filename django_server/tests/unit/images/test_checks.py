"""Invalid settings are refused at start, with a sentence that names the variable."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.env_reader import env, thumbnail_sizes
from images.checks import incoming_is_beside_media, refuse_unsound_settings, thumbnails_are_sound


@pytest.mark.parametrize(
    "sizes",
    [{}, None, {"small": 0}, {"small": "240"}, {"small": True}, {"a/b": 240}, {"": 240}, {"x" * 41: 240}],
)
def test_invalid_sizes_are_refused_at_start(sizes: Any, settings: Any) -> None:
    assert thumbnails_are_sound() == []
    settings.THUMBNAILS = {"SIZES": sizes, "QUALITY": 82}
    assert [error.id for error in thumbnails_are_sound()] == ["images.E001"]
    with pytest.raises(ImproperlyConfigured, match="must map at least one label"):
        refuse_unsound_settings()


def test_sizes_have_upper_bounds(settings: Any) -> None:
    settings.THUMBNAILS = {"SIZES": {f"size-{number}": 100 for number in range(13)}, "QUALITY": 95}
    sentences = [error.msg for error in thumbnails_are_sound()]
    assert sentences == ["THUMBNAIL_SIZES has 13 sizes; the maximum is 12."]
    settings.THUMBNAILS = {"SIZES": {"huge": 65_501}, "QUALITY": 95}
    assert [error.id for error in thumbnails_are_sound()] == ["images.E001"]


def test_sizes_are_read_from_the_environment_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(env.ENVIRON, "THUMBNAIL_SIZES", "tiny:64, poster: 2000")
    assert list(thumbnail_sizes("THUMBNAIL_SIZES", "small:240").items()) == [("tiny", 64), ("poster", 2000)]
    monkeypatch.delitem(env.ENVIRON, "THUMBNAIL_SIZES")
    assert thumbnail_sizes("THUMBNAIL_SIZES", "small:240") == {"small": 240}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("small", "must be a list of label:pixels"),
        ("small:", "must be a list of label:pixels"),
        (":240", "must be a list of label:pixels"),
        ("small:240,", "must be a list of label:pixels"),
        ("small:-1", "must be a list of label:pixels"),
        ("small:240px", "'small:240px' is not one"),
        ("", "must be a list of label:pixels"),
        ("small:240,small:300", "has the label 'small' twice"),
    ],
)
def test_other_syntax_is_refused_with_the_variable(
    value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(env.ENVIRON, "THUMBNAIL_SIZES", value)
    with pytest.raises(ImproperlyConfigured, match=f"THUMBNAIL_SIZES.*{sentence}"):
        thumbnail_sizes("THUMBNAIL_SIZES", "small:240")


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"THUMBNAIL_SIZES": "small:240,a/b:100"}, "THUMBNAIL_SIZES must map at least one label"),
        ({"THUMBNAIL_SIZES": "small:0"}, "THUMBNAIL_SIZES must map at least one label"),
        ({"THUMBNAIL_QUALITY": "0"}, "THUMBNAIL_QUALITY must be a whole number from 1 to 95, not '0'."),
        ({"THUMBNAIL_QUALITY": "high"}, "THUMBNAIL_QUALITY must be a whole number from 1 to 95, not 'high'."),
    ],
)
def test_a_command_does_not_start_with_invalid_sizes(variables: dict[str, str], sentence: str) -> None:
    run = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=Path(__file__).resolve().parents[3],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode != 0
    assert sentence in run.stderr


def test_a_publicly_readable_spool_is_refused(settings: Any) -> None:
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
