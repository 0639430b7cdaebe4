"""A programming error is raised unchanged; only an exception of a decoder becomes CorruptImage."""

import io
import logging
from importlib import import_module
from typing import Any

import pytest
from PIL.JpegImagePlugin import JpegImageFile

import imaging
from tests.support.corpus.pictures import quadrants, saved

_PHOTO = saved(quadrants(size=(64, 48)), "JPEG")


@pytest.mark.parametrize("step", ["_cascade", "_largest_raster", "_stored_size", "_downscale"])
@pytest.mark.parametrize("mistake", [TypeError, AttributeError, KeyError, ValueError, ZeroDivisionError])
def test_a_mistake_in_a_step_of_the_renderer_is_not_a_damaged_image(
    step: str, mistake: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise mistake("ours")

    monkeypatch.setattr(import_module("imaging.render"), step, fail)
    with pytest.raises(mistake, match="ours"):
        imaging.render(io.BytesIO(_PHOTO), {"small": 8, "large": 32})


@pytest.mark.parametrize("step", ["_probe", "_upright", "orientation_of"])
def test_a_mistake_in_a_step_of_the_probe_is_not_a_damaged_image(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise TypeError("ours")

    monkeypatch.setattr(import_module("imaging.probe"), step, fail)
    with pytest.raises(TypeError, match="ours"):
        imaging.probe(io.BytesIO(_PHOTO))


@pytest.mark.parametrize("failure", [TypeError, AttributeError, KeyError, ValueError, OSError])
def test_an_exception_of_the_decoder_is_a_damaged_image_and_its_cause_is_logged(
    failure: type[Exception], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise failure("bad marker")

    monkeypatch.setattr(JpegImageFile, "load", fail)
    with caplog.at_level(logging.INFO, "imaging.errors"), pytest.raises(imaging.CorruptImage) as caught:
        imaging.render(io.BytesIO(_PHOTO), {"small": 8})
    assert f"{failure.__name__}: " in caplog.text
    assert "bad marker" in caplog.text
    assert "bad marker" in caught.value.__notes__[0]
