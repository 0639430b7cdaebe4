"""Reads image headers and renders thumbnails. Takes streams, and returns values and the bytes of thumbnails.

This is the only package that imports Pillow. It must not know Django, storage, the network or file names, and must not
change process-wide settings. Used by the Django app and by pregen. It can also be used at a Python prompt:

    >>> import imaging
    >>> with open("photo.jpg", "rb") as photo:
    ...     print(imaging.probe(photo))
    ...     rendering = imaging.render(photo, {"small": 240, "large": 1500})
"""

from .errors import CorruptImage, EmptyFile, ImagingError, TooManyPixels, UnsupportedType
from .geometry import fit
from .pixel_limits import Limits
from .probe import Probe, probe
from .render import RECIPE, OutputFormat, RenderedThumbnail, Rendering, Timings, render
from .signatures import ACCEPTED_MEDIA_TYPES

__all__ = [
    "ACCEPTED_MEDIA_TYPES",
    "RECIPE",
    "CorruptImage",
    "EmptyFile",
    "ImagingError",
    "Limits",
    "OutputFormat",
    "Probe",
    "RenderedThumbnail",
    "Rendering",
    "Timings",
    "TooManyPixels",
    "UnsupportedType",
    "fit",
    "probe",
    "render",
]
